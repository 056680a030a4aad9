//go:build !linux

package termtest

import (
	"errors"
	"os"
)

func open(int) (screen, file *os.File, err error) {
	return nil, nil, errors.New("only tests on Linux open terminals")
}
