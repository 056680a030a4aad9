package media

import (
	"bytes"
	"encoding/binary"
	"io"
)

// sideways reports whether a JPEG has to be shown turned by 90 or 270 degrees.
func sideways(f io.ReaderAt, size int64) bool { return Orientation(f, size) >= 5 }

// Orientation returns how a JPEG has to be shown, from 1 to 8 as in Exif; 1 is as it is. A
// camera that was held upright notes that in the Exif data and does not rotate the
// pixels.
func Orientation(f io.ReaderAt, size int64) int {
	r := reader(f, size)
	if _, err := r.Discard(2); err != nil {
		return 1
	}
	for {
		marker, n, err := segment(r)
		if err != nil || marker == startOfScan {
			return 1
		}
		if marker == 0xe1 { // a segment always fits into the buffer
			body, _ := r.Peek(n)
			if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok {
				if o := int(orientation(tiff)); o >= 1 && o <= 8 {
					return o
				}
				return 1
			}
		}
		if _, err := r.Discard(n); err != nil {
			return 1
		}
	}
}

// orientation returns the orientation tag of Exif data, or 0.
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
		if order.Uint16(entries) == 0x0112 && order.Uint16(entries[2:]) == 3 { // 3 is a 16-bit number
			return order.Uint16(entries[8:])
		}
		entries = entries[12:]
	}
	return 0
}
