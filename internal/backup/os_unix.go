//go:build unix

package backup

// private: files have modes that keep other users out.
const private = true
