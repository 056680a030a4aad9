package fetch

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// gzipMagic begins what gzip has packed.
var gzipMagic = []byte{0x1f, 0x8b}

// unpacked returns the body without its gzip encoding. Some servers compress although they
// are asked not to, and some name the encoding of a file that has none.
func unpacked(resp *http.Response) io.Reader {
	if name := resp.Header.Get("Content-Encoding"); !strings.EqualFold(name, "gzip") && !strings.EqualFold(name, "x-gzip") {
		return resp.Body
	}
	body := bufio.NewReader(resp.Body)
	if begin, err := body.Peek(len(gzipMagic)); err != nil || !bytes.Equal(begin, gzipMagic) {
		return body // reading it returns the error again
	}
	return &gzipped{body: body}
}

// gzipped unpacks while it is read.
type gzipped struct {
	body   io.Reader
	reader *gzip.Reader
}

func (g *gzipped) Read(p []byte) (n int, err error) {
	if g.reader == nil {
		if g.reader, err = gzip.NewReader(g.body); err != nil {
			return 0, err
		}
	}
	return g.reader.Read(p)
}
