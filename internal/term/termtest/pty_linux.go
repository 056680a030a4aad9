package termtest

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// open returns both ends of a terminal of the given width. Lines end as they were
// written, and nothing that is typed is echoed.
func open(columns int) (screen, file *os.File, err error) {
	screen, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			screen.Close()
		}
	}()
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, err
	}
	file, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	if err := unix.IoctlSetWinsize(int(file.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
		return nil, nil, err
	}
	mode, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	if err != nil {
		return nil, nil, err
	}
	mode.Oflag &^= unix.OPOST
	mode.Lflag &^= unix.ECHO
	return screen, file, unix.IoctlSetTermios(int(file.Fd()), unix.TCSETS, mode)
}
