//go:build !unix

package thumb

// noWait is nothing here: there are no pipes among files.
const noWait = 0
