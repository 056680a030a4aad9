package media

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
)

// dimensions returns the pixels of an image as its header states them. It reads what
// decoders need and skips the rest, so that it accepts each form that some decoder
// reads: the decoders of the standard library know fewer forms than a browser does.
// The error is errHeader, or an error of reading.
func dimensions(mime string, f io.ReaderAt, size int64) (width, height int, err error) {
	r := reader(f, size)
	switch mime {
	case "image/jpeg":
		width, height, err = sizeJPEG(r)
	case "image/png":
		width, height, err = sizePNG(r)
	case "image/gif":
		width, height, err = sizeGIF(r)
	case "image/webp":
		width, height, err = sizeWebP(r)
	default:
		err = errHeader
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errHeader
	}
	return width, height, err
}

// sizeJPEG accepts frames of every process: baseline, progressive, lossless and
// arithmetic, with 8 or more bits and any sampling.
func sizeJPEG(r *bufio.Reader) (width, height int, err error) {
	_, frame, err := frameJPEG(r)
	if err != nil {
		return 0, 0, err
	}
	return sizeFrame(frame)
}

// frameJPEG returns the marker and the body of the header of the frame.
func frameJPEG(r *bufio.Reader) (marker byte, frame []byte, err error) {
	if err := skip(r, 2); err != nil {
		return 0, nil, err
	}
	for {
		marker, n, err := segment(r)
		if err != nil {
			return 0, nil, err
		}
		if marker == startOfScan {
			return 0, nil, errHeader
		}
		if startsFrame(marker) {
			frame, err := r.Peek(n) // a segment always fits into the buffer
			return marker, frame, err
		}
		if err := skip(r, int64(n)); err != nil {
			return 0, nil, err
		}
	}
}

// Frame says how a JPEG is coded.
type Frame struct {
	// Progressive: a decoder has to keep all coefficients.
	Progressive bool
	Components  int
	// Samples are how many numbers a pixel has, from 1 to Components: colours are often
	// coded with a quarter of the pixels.
	Samples float64
}

// FrameOf returns how a JPEG is coded.
func FrameOf(f io.ReaderAt, size int64) (Frame, error) {
	marker, frame, err := frameJPEG(reader(f, size))
	if err == nil {
		_, _, err = sizeFrame(frame)
	}
	if err != nil {
		return Frame{}, err
	}
	c := Frame{Progressive: marker&3 == 2, Components: int(frame[5])}
	across, down, sum := 0, 0, 0
	for i := range c.Components {
		x, y := int(frame[6+3*i+1]>>4), int(frame[6+3*i+1]&15)
		across, down, sum = max(across, x), max(down, y), sum+x*y
	}
	c.Samples = float64(sum) / float64(across*down)
	return c, nil
}

// startsFrame reports whether a marker of a JPEG begins a frame. The three others of
// its range are tables.
func startsFrame(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
}

func sizeFrame(frame []byte) (width, height int, err error) {
	if len(frame) < 6 {
		return 0, 0, errHeader
	}
	components := int(frame[5])
	if components == 0 || len(frame) < 6+3*components {
		return 0, 0, errHeader
	}
	for i := range components { // the sampling of each, in both directions
		sampling := frame[6+3*i+1]
		if x, y := sampling>>4, sampling&15; x < 1 || x > 4 || y < 1 || y > 4 {
			return 0, 0, errHeader
		}
	}
	return int(binary.BigEndian.Uint16(frame[3:])), int(binary.BigEndian.Uint16(frame[1:])), nil
}

// sizePNG checks only the chunks that no decoder can do without: the header, and the
// palette of an image that needs one.
func sizePNG(r *bufio.Reader) (width, height int, err error) {
	if err := skip(r, 8); err != nil {
		return 0, 0, err
	}
	name, header, err := chunkOf(r, 13)
	if err != nil || name != "IHDR" || !validPNG(header) {
		return 0, 0, cmp.Or(err, errHeader)
	}
	w, h := binary.BigEndian.Uint32(header), binary.BigEndian.Uint32(header[4:])
	if max(w, h) > 1<<31-1 {
		return 0, 0, errHeader
	}
	if header[9] != 3 { // it has no palette
		return int(w), int(h), nil
	}
	for {
		name, colours, err := chunkOf(r, 3*256)
		switch {
		case err != nil:
			return 0, 0, err
		case name == "PLTE" && len(colours) > 0 && len(colours)%3 == 0:
			return int(w), int(h), nil
		case name == "PLTE", name == "IDAT":
			return 0, 0, errHeader
		}
	}
}

// chunkOf reads the next chunk of a PNG. The body of a header or a palette has at most
// limit bytes and a valid checksum. The body of another chunk is skipped, whatever its
// checksum.
func chunkOf(r *bufio.Reader, limit uint32) (name string, body []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", nil, err
	}
	n, name := binary.BigEndian.Uint32(head[:]), string(head[4:])
	if name != "IHDR" && name != "PLTE" {
		return name, nil, skip(r, int64(n)+4)
	}
	if n > limit {
		return "", nil, errHeader
	}
	body = make([]byte, n+4)
	if _, err := io.ReadFull(r, body); err != nil {
		return "", nil, err
	}
	body, sum := body[:n], binary.BigEndian.Uint32(body[n:])
	if crc32.Update(crc32.ChecksumIEEE(head[4:]), crc32.IEEETable, body) != sum {
		return "", nil, errHeader
	}
	return name, body, nil
}

// validPNG reports whether a header has a depth that its kind of colour allows, and
// the methods that exist.
func validPNG(header []byte) bool {
	depths := map[byte][]byte{0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
	return len(header) == 13 && slices.Contains(depths[header[9]], header[8]) && header[10] == 0 && header[11] == 0 && header[12] <= 1
}

// sizeGIF returns the size of the screen. Some programs leave that at zero, and viewers
// then take the first picture's.
func sizeGIF(r *bufio.Reader) (width, height int, err error) {
	var head [13]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, 0, err
	}
	width, height = little16(head[6:]), little16(head[8:])
	if width > 0 && height > 0 {
		return width, height, nil
	}
	if err := skip(r, colours(head[10])); err != nil {
		return 0, 0, err
	}
	for {
		b, err := r.ReadByte()
		if err != nil {
			return 0, 0, err
		}
		switch b {
		case ',':
			if _, err := io.ReadFull(r, head[:9]); err != nil {
				return 0, 0, err
			}
			return little16(head[4:]), little16(head[6:]), nil
		case '!':
			if err := errors.Join(skip(r, 1), blocks(r)); err != nil {
				return 0, 0, err
			}
		default:
			return 0, 0, errHeader
		}
	}
}

func little16(b []byte) int { return int(binary.LittleEndian.Uint16(b)) }

// sizeWebP reads the first chunk that states a size: the canvas of an extended file, or
// the picture itself.
func sizeWebP(r *bufio.Reader) (width, height int, err error) {
	if err := skip(r, 12); err != nil {
		return 0, 0, err
	}
	var head [8]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return 0, 0, err
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		switch string(head[:4]) {
		case "VP8X":
			b, err := r.Peek(10)
			if err != nil || n < 10 {
				return 0, 0, cmp.Or(err, errHeader)
			}
			return 1 + little16(b[4:]) + int(b[6])<<16, 1 + little16(b[7:]) + int(b[9])<<16, nil
		case "VP8L":
			b, err := r.Peek(5)
			if err != nil || n < 5 || b[0] != 0x2f {
				return 0, 0, cmp.Or(err, errHeader)
			}
			bits := binary.LittleEndian.Uint32(b[1:])
			return 1 + int(bits&0x3fff), 1 + int(bits>>14&0x3fff), nil
		case "VP8 ":
			b, err := r.Peek(10)
			if err != nil || n < 10 || b[0]&1 != 0 || string(b[3:6]) != "\x9d\x01\x2a" {
				return 0, 0, cmp.Or(err, errHeader)
			}
			return little16(b[6:]) & 0x3fff, little16(b[8:]) & 0x3fff, nil
		}
		if err := skip(r, n+n&1); err != nil {
			return 0, 0, err
		}
	}
}
