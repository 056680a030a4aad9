package serve

import (
	"errors"
	"fmt"
	"net"
	"os"
)

// ListenError returns in one line why an address cannot be listened on.
func ListenError(address string, err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err // its text has the address, and says listen
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		err = call.Err
	}
	return fmt.Errorf("cannot listen on %s: %w", address, err)
}
