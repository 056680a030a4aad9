package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"atelierd/internal/secret"
)

// mac is the decoded signature, which is the same however the header spells it.
type mac [sha256.Size]byte

// signature is a valid signature and the time that it covers.
type signature struct {
	mac mac
	at  time.Time
}

// maxStamps is the most times of one request that are tried. Each costs a hash of
// the body for every secret, and anyone can send a request.
const maxStamps = 8

// signed checks headers of the form
//
//	t=<unix time>,v1=<hex of HMAC-SHA256(secret, "<t>.<body>")>
//
// and returns the valid signatures. The format is the deployed marketplace's. A
// marketplace that changes its secret may sign with the old and the new one, and a
// proxy may add a header of its own, so each v1 of each header counts, with each t.
// secrets is called only for a well-formed header, because anyone can send a
// request and secrets may have to read files.
func signed(headers []string, body []byte, secrets func() []secret.Text, now time.Time) (valid []signature) {
	stamps, given := signatures(headers, now)
	if len(stamps) == 0 || len(given) == 0 {
		return nil
	}
	for _, s := range secrets() {
		if s.Empty() {
			continue
		}
		for _, stamp := range stamps {
			h := hmac.New(sha256.New, []byte(s.Reveal()))
			h.Write([]byte(stamp + "."))
			h.Write(body)
			want := h.Sum(nil)
			for _, sum := range given {
				if hmac.Equal(want, sum[:]) {
					valid = append(valid, signature{sum, unixTime(stamp)})
				}
			}
		}
	}
	return valid
}

// signatures returns the times of the headers that are recent, as they are
// written, and the signatures.
func signatures(headers []string, now time.Time) (stamps []string, given []mac) {
	for part := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			if now.Sub(unixTime(value)).Abs() <= tolerance && len(stamps) < maxStamps && !slices.Contains(stamps, value) {
				stamps = append(stamps, value)
			}
		case "v1":
			var sum mac
			if raw, err := hex.DecodeString(value); err == nil && len(raw) == len(sum) {
				copy(sum[:], raw)
				given = append(given, sum)
			}
		}
	}
	return stamps, given
}

// unixTime returns the time that a header states, or the zero time.
func unixTime(stamp string) time.Time {
	unix, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(unix, 0)
}
