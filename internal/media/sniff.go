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

// sniffLen is how much of a file sniff wants to see.
const sniffLen = 4096

// sniff names the type of a file that begins with head, or "" when its first
// bytes do not tell that it is one that the marketplace takes.
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

// sniffBoxes tells the video types of the ISO base media family apart from its
// pictures (HEIC, AVIF) and its audio (M4A), which begin alike.
func sniffBoxes(head []byte) string {
	size := int64(binary.BigEndian.Uint32(head))
	switch string(head[4:8]) {
	case "moov", "mdat", "wide", "free", "skip": // files older than the ftyp box
		// "The wide river" begins so as well, but with a size beyond every limit.
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
	// The major brand stands at 8, a version at 12, compatible brands follow.
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

// docType reads the DocType of an EBML header, which tells WebM from Matroska.
func docType(head []byte) string {
	_, after, found := bytes.Cut(head[:min(len(head), 256)], []byte{0x42, 0x82})
	if !found || len(after) == 0 || after[0]&0x80 == 0 {
		return "" // sizes of more than one byte do not occur in this element
	}
	n := int(after[0] & 0x7f)
	if n > len(after)-1 {
		return ""
	}
	return strings.TrimRight(string(after[1:1+n]), "\x00")
}

// kind is the marketplace's word for a type.
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

// writing is the type of a text by the ending of its name: its bytes do not tell.
var writing = map[string]string{
	".txt": "text/plain", ".md": "text/markdown", ".html": "text/html", ".htm": "text/html", ".csv": "text/csv",
	".json": "application/json", ".js": "text/javascript", ".py": "text/x-python",
}

// utf8Text says whether the file, whose beginning head is, is text as a whole.
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
