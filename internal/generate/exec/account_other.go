//go:build !unix

package exec

import (
	"errors"
	"io/fs"
	"math"
	"syscall"
)

// findAccount fails here, because only Unix has such users.
func findAccount(string) (*account, error) { return nil, errors.ErrUnsupported }

// run changes nothing: there is no account here.
func (a *account) run(*syscall.SysProcAttr) {}

// ownerOf returns nobody here.
func ownerOf(fs.FileInfo) (uid uint32, names uint64) { return math.MaxUint32, 0 }
