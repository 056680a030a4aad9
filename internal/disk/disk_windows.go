package disk

import "golang.org/x/sys/windows"

// Free returns the number of bytes that this process may still write to the file
// system of dir.
func Free(dir string) (int64, error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, err
	}
	return int64(min(free, 1<<62)), nil
}

// Writable cannot tell on this system and returns nil: the first write shows it.
func Writable(string) error { return nil }
