//go:build !unix

package backup

// private: files have no modes that keep other users out.
const private = false
