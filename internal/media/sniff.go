package media

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// sniffLen is the number of bytes that sniff needs.
const sniffLen = 4096

// Sniff returns the type that the first bytes of f show, or "" if it is not one that the
// marketplace accepts, or a text.
func Sniff(f io.ReaderAt) (string, error) {
	head := make([]byte, sniffLen)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return sniff(head[:n]), nil
}

// sniff returns the type of a file that begins with head, or "" if it is not one
// that the marketplace accepts.
func sniff(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(head, []byte("GIF87a")), bytes.HasPrefix(head, []byte("GIF89a")):
		return "image/gif"
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return "image/webp"
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return "application/pdf"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return "application/zip"
	case bytes.HasPrefix(head, []byte("\x1aE\xdf\xa3")) && docType(head) == "webm":
		return "video/webm"
	case len(head) >= 12:
		return sniffBoxes(head)
	}
	return ""
}

// sniffBoxes returns the type of a video of the ISO base media family, or "" for
// its images (HEIC, AVIF) and audio (M4A), which begin in the same way.
func sniffBoxes(head []byte) string {
	size := int64(binary.BigEndian.Uint32(head))
	switch string(head[4:8]) {
	case "moov", "mdat", "wide", "free", "skip": // files from before the ftyp box
		// A text such as "The wide river" matches too, with a size over the limit.
		if size <= MaxBytes {
			return "video/quicktime"
		}
		return ""
	case "ftyp":
	default:
		return ""
	}
	if size < 16 || size > int64(len(head)) {
		return ""
	}
	// The major brand is at 8, a version at 12, and compatible brands follow.
	major := string(head[8:12])
	switch {
	case major == "qt  ":
		return "video/quicktime"
	case mp4Brand(major):
		return "video/mp4"
	case pictureOrAudioBrand(major):
		return ""
	}
	for at := 16; at+4 <= int(size); at += 4 {
		if mp4Brand(string(head[at : at+4])) {
			return "video/mp4"
		}
	}
	return ""
}

func mp4Brand(b string) bool {
	switch b {
	case "isom", "mp41", "mp42", "avc1", "M4V ", "M4VH", "M4VP", "MSNV", "dash", "f4v ", "mmp4", "av01", "hvc1":
		return true
	}
	return strings.HasPrefix(b, "iso") && len(b) == 4 && b[3] >= '2' && b[3] <= '9'
}

func pictureOrAudioBrand(b string) bool {
	switch b {
	case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif", "avis", "M4A ", "M4B ", "M4P ", "crx ", "jp2 ":
		return true
	}
	return false
}

// docType returns the DocType of an EBML header, which differs between WebM and
// Matroska.
func docType(head []byte) string {
	_, after, found := bytes.Cut(head[:min(len(head), 256)], []byte{0x42, 0x82})
	if !found || len(after) == 0 || after[0]&0x80 == 0 {
		return "" // this element never has a size of more than one byte
	}
	n := int(after[0] & 0x7f)
	if n > len(after)-1 {
		return ""
	}
	return strings.TrimRight(string(after[1:1+n]), "\x00")
}

// kind returns the marketplace's kind of a type.
func kind(mime string) string {
	switch mime {
	case "application/pdf", "application/zip":
		return Document
	case "application/json", "text/javascript", "text/x-python":
		return Code
	}
	media, _, _ := strings.Cut(mime, "/")
	return media
}

// textTypes maps the extension of a text file to its type, which its bytes do not
// show.
var textTypes = map[string]string{
	".txt": "text/plain", ".md": "text/markdown", ".html": "text/html", ".htm": "text/html", ".csv": "text/csv",
	".json": "application/json", ".js": "text/javascript", ".py": "text/x-python",
}

// utf8Text reports whether a file that begins with head is UTF-8 text up to its end.
func utf8Text(f *os.File, head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false
	}
	r := bufio.NewReader(io.LimitReader(f, MaxBytes))
	for {
		c, size, err := r.ReadRune()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if c == 0 || c == utf8.RuneError && size == 1 {
			return false
		}
	}
}
