package media

import (
	"bytes"
	"encoding/binary"
	"io"
)

// sideways says whether a JPEG is to be shown turned by a quarter: a camera that
// was held upright writes so in its Exif data, and leaves the pixels as they lay.
func sideways(f io.ReaderAt, size int64) bool {
	r := reader(f, size)
	if _, err := r.Discard(2); err != nil {
		return false
	}
	for {
		marker, n, err := segment(r)
		if err != nil || marker == startOfScan {
			return false
		}
		if marker == 0xe1 { // no segment is longer than the buffer
			body, _ := r.Peek(n)
			if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok {
				return orientation(tiff) >= 5 && orientation(tiff) <= 8
			}
		}
		if _, err := r.Discard(n); err != nil {
			return false
		}
	}
}

// orientation is that tag of Exif data, or 0.
func orientation(tiff []byte) uint16 {
	var order binary.ByteOrder = binary.BigEndian
	if bytes.HasPrefix(tiff, []byte("II")) {
		order = binary.LittleEndian
	}
	if len(tiff) < 8 {
		return 0
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 0
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 0
		}
		if order.Uint16(entries) == 0x0112 && order.Uint16(entries[2:]) == 3 { // 3 is a number of 16 bits
			return order.Uint16(entries[8:])
		}
		entries = entries[12:]
	}
	return 0
}
