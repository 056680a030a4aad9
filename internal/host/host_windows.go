package host

import (
	"errors"

	"golang.org/x/sys/windows"
)

// ofSystem returns what an error of Windows alone means.
func ofSystem(err error) Lack {
	for lack, list := range map[Lack][]error{
		Room:        {windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED},
		Descriptors: {windows.ERROR_TOO_MANY_OPEN_FILES},
		Memory:      {windows.ERROR_NOT_ENOUGH_MEMORY, windows.ERROR_OUTOFMEMORY, windows.ERROR_COMMITMENT_LIMIT},
	} {
		for _, each := range list {
			if errors.Is(err, each) {
				return lack
			}
		}
	}
	return None
}
