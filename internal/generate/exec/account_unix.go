//go:build unix

package exec

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// findAccount returns the user with a name or a number.
func findAccount(name string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, errNotRoot
	}
	u, err := user.Lookup(name)
	if _, unknown := errors.AsType[user.UnknownUserError](err); unknown {
		if byNumber, idErr := user.LookupId(name); idErr == nil {
			u, err = byNumber, nil
		}
	}
	if err != nil {
		return nil, err
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	a := &account{name: u.Username, home: u.HomeDir}
	for _, id := range append([]string{u.Uid, u.Gid}, ids...) {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, err
		}
		a.groups = append(a.groups, uint32(n))
	}
	a.uid, a.gid, a.groups = a.groups[0], a.groups[1], a.groups[2:]
	if a.uid == 0 {
		return nil, errors.New("it is root, who can read everything")
	}
	return a, nil
}

// run has a process run as the user. Nil changes nothing.
func (a *account) run(attr *syscall.SysProcAttr) {
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid, Groups: a.groups}
	}
}

// ownerOf returns whose a file is, and how many names it has.
func ownerOf(info fs.FileInfo) (uid uint32, names uint64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return math.MaxUint32, 0
	}
	return st.Uid, uint64(st.Nlink) //nolint:unconvert // it is narrower on other systems
}
