package media

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// wholePNG reads the chunks up to the last one.
func wholePNG(r *bufio.Reader) error {
	if err := skip(r, 8); err != nil {
		return err
	}
	var head [8]byte
	for pixels := false; ; {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return err
		}
		n := int64(binary.BigEndian.Uint32(head[:]))
		if err := skip(r, n+4); err != nil { // a checksum follows
			return err
		}
		switch name := string(head[4:]); {
		case name == "IDAT" && n > 0:
			pixels = true
		case name == "IEND" && !pixels:
			return errHollow
		case name == "IEND":
			return nil
		}
	}
}

const (
	startOfScan = 0xda
	endOfImage  = 0xd9
)

// wholeJPEG reads the segments up to the first scan and then looks for the end mark.
// A preview inside a segment has an end mark of its own. What follows the end is
// ignored, because some phones append a video.
func wholeJPEG(r *bufio.Reader) error {
	if err := skip(r, 2); err != nil {
		return err
	}
	for {
		marker, n, err := segment(r)
		switch {
		case err != nil:
			return err
		case marker == endOfImage:
			return errHollow
		case marker == startOfScan:
			return find(r, "\xff\xd9")
		}
		if err := skip(r, int64(n)); err != nil {
			return err
		}
	}
}

// segment reads the head of the next segment of a JPEG and returns its marker and the
// length of the rest. Like every decoder, it skips bytes between segments.
func segment(r *bufio.Reader) (marker byte, n int, err error) {
	for {
		b, err := r.ReadByte()
		if err == nil && b != 0xff {
			continue
		}
		for err == nil && b == 0xff {
			b, err = r.ReadByte()
		}
		switch {
		case err != nil:
			return 0, 0, err
		case b == 0, b == 1, b >= 0xd0 && b <= 0xd7: // without a length
			continue
		case b == endOfImage:
			return b, 0, nil
		}
		var size [2]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return 0, 0, err
		}
		n := int(binary.BigEndian.Uint16(size[:])) - 2
		if n < 0 {
			return 0, 0, errHollow
		}
		return b, n, nil
	}
}

// wholeGIF reads the blocks up to the trailer. Like browsers, it also accepts anything
// else after a picture, and the missing trailer of old programs.
func wholeGIF(r *bufio.Reader) error {
	var head [13]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	if err := skip(r, colours(head[10])); err != nil {
		return err
	}
	for picture := false; ; {
		b, err := r.ReadByte()
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return err
		case b == ',':
			if _, err := io.ReadFull(r, head[:9]); err != nil {
				return err
			}
			if little16(head[4:])*little16(head[6:]) > MaxPixels { // whatever the size of the screen
				return errVast
			}
			if err := errors.Join(skip(r, colours(head[8])+1), blocks(r)); err != nil {
				return err
			}
			picture = true
		case b == '!':
			if err := errors.Join(skip(r, 1), blocks(r)); err != nil {
				return err
			}
		case !picture:
			return errHollow
		default:
			return nil
		}
	}
}

// colours returns the length of the colour table that the flags announce.
func colours(flags byte) int64 {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

// blocks skips the data of a GIF: blocks with their lengths, and an empty one at the
// end.
func blocks(r *bufio.Reader) error {
	for {
		n, err := r.ReadByte()
		if err != nil || n == 0 {
			return err
		}
		if err := skip(r, int64(n)); err != nil {
			return err
		}
	}
}

// wholeWebP trusts the size in the container and looks for a picture in it.
func wholeWebP(r *bufio.Reader, size int64) error {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	end := 8 + int64(binary.LittleEndian.Uint32(head[4:]))
	if end > size+1 { // some programs omit the last padding byte
		return errCut
	}
	for at := int64(12); at+8 <= end; {
		if _, err := io.ReadFull(r, head[:8]); err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		if name := string(head[:4]); n > 0 && (name == "VP8 " || name == "VP8L" || name == "ANMF") {
			return skip(r, n)
		}
		n += n & 1
		if err := skip(r, n); err != nil {
			return err
		}
		at += 8 + n
	}
	return errHollow
}
