package media

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// defect is the reason why a file is not accepted.
type defect string

func (d defect) Error() string { return string(d) }

const (
	errUnknown defect = "is not one of the accepted types (jpeg, png, webp, gif, mp4, webm, quicktime, pdf, zip, and text as txt, md, html, csv, json, js or py)"
	errCut     defect = "is cut off: its end is missing"
	errHollow  defect = "has a header, but no picture after it"
	errDark    defect = "has no picture: it has no video track with samples"
	errVast    defect = "has a frame of more than 64 megapixels"
)

// whole returns an error if a file is incomplete, as far as its container shows. A
// crashed program and a broken download leave the beginning of a good file. whole
// rejects only what is certainly broken, and accepts what some programs append. Its
// error is a defect, or an error of reading.
func whole(mime string, f io.ReaderAt, size int64) (err error) {
	r := reader(f, size)
	switch mime {
	case "image/jpeg":
		err = wholeJPEG(r)
	case "image/png":
		err = wholePNG(r)
	case "image/gif":
		err = wholeGIF(r)
	case "image/webp":
		err = wholeWebP(r, size)
	case "video/mp4", "video/quicktime":
		err = wholeMovie(&boxes{f: f}, size)
	case "video/webm":
		err = wholeWebM(&elements{f: f}, size)
	case "application/pdf":
		// The mark should be at the end, but anything may be appended.
		err = find(r, "%%EOF")
	case "application/zip":
		err = wholeZIP(f, size)
	default:
		return errUnknown
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}

// reader returns a reader whose buffer holds the longest segment of a JPEG.
func reader(f io.ReaderAt, size int64) *bufio.Reader {
	return bufio.NewReaderSize(io.NewSectionReader(f, 0, size), 64<<10)
}

// skip discards n bytes. It fails if there are fewer.
func skip(r *bufio.Reader, n int64) error {
	if n > MaxBytes {
		return errCut
	}
	_, err := r.Discard(int(n))
	return err
}

// find discards everything before the mark. It fails if there is none.
func find(r *bufio.Reader, mark string) error {
	for {
		b, err := r.Peek(r.Size())
		if bytes.Contains(b, []byte(mark)) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := skip(r, int64(len(b)-len(mark)+1)); err != nil {
			return err
		}
	}
}

// wholeZIP looks for the last record, which only a comment may follow.
func wholeZIP(f io.ReaderAt, size int64) error {
	const record, comment = 22, 1<<16 - 1
	tail := make([]byte, min(size, record+comment))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return err
	}
	if !bytes.Contains(tail[:max(0, len(tail)-record+4)], []byte("PK\x05\x06")) {
		return errCut
	}
	return nil
}
