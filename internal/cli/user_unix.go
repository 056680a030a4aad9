//go:build unix

package cli

import (
	"os"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownerOf returns the user to whom a file belongs.
func ownerOf(path string) (uid int, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(s.Uid), true
}

// usable reports whether this user can read and write a file or a folder.
func usable(path string) bool { return unix.Access(path, unix.R_OK|unix.W_OK) == nil }

// readerOf returns a user who can read a file: its owner, or the user whose name its group
// has, where the file of root's is for that group.
func readerOf(path string) (uid int, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	if group, err := user.LookupGroupId(strconv.Itoa(int(s.Gid))); s.Uid == 0 && s.Gid != 0 && info.Mode()&0o040 != 0 && err == nil {
		if u, err := user.Lookup(group.Name); err == nil {
			uid, err = strconv.Atoi(u.Uid)
			return uid, err == nil
		}
	}
	return int(s.Uid), true
}

// userName returns the name of a user as sudo -u takes it.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "#" + strconv.Itoa(uid)
}
