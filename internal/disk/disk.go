// Package disk reports how much room a folder has, and reserves some. It must not know what the room
// is for.
package disk

import "errors"

// ErrUnknown is returned where the system cannot tell.
var ErrUnknown = errors.New("free space is unknown on this system")
