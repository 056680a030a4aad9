package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// postLines sends a webhook with one header line for each signature.
func postLines(r *Receiver, lines ...string) int {
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	for _, line := range lines {
		req.Header.Add("X-Atelier-Signature", line)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Code
}

func TestEverySignatureOfARequestCounts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	good, bad := sign("new", now, body), sign("other", now, body)
	_, goodV1, _ := strings.Cut(good, ",")
	_, badV1, _ := strings.Cut(bad, ",")
	late := sign("other", now.Add(-time.Hour), body)
	for name, c := range map[string]struct {
		lines []string
		want  int
	}{
		"two v1, the second ours":             {[]string{bad + "," + goodV1}, 200},
		"two v1, the first ours":              {[]string{good + "," + badV1}, 200},
		"an odd v1 before ours":               {[]string{"v1=zz," + good + ",v1=,v1"}, 200},
		"two lines, the second ours":          {[]string{bad, good}, 200},
		"two lines, the first ours":           {[]string{good, bad}, 200},
		"two lines, another time first":       {[]string{late, good}, 200},
		"two lines, another time last":        {[]string{good, late}, 200},
		"the time and the v1 on two lines":    {strings.Split(good, ","), 200},
		"an empty line and ours":              {[]string{"", good}, 200},
		"two lines, none ours":                {[]string{bad, late}, 401},
		"our v1 of an hour ago, a recent one": {[]string{sign("new", now.Add(-time.Hour), body), bad}, 401},
		"more times than are tried":           {append(manyTimes(now), good), 401},
	} {
		r, events := open()
		if got := postLines(r, c.lines...); got != c.want || len(*events) != map[int]int{200: 1}[c.want] {
			t.Errorf("%s: answers %d with %d events, want %d", name, got, len(*events), c.want)
		}
	}
}

// manyTimes returns as many lines with a recent time of their own as are tried.
func manyTimes(now time.Time) (lines []string) {
	for i := range maxStamps {
		lines = append(lines, sign("other", now.Add(-time.Duration(i+1)*time.Second), body))
	}
	return lines
}

func TestAReplayWithOneOfTwoSignaturesIsNotPassedOn(t *testing.T) {
	t.Parallel()
	r, events := open()
	now := time.Now()
	one, two := sign("old", now, body), sign("new", now, body)
	for _, lines := range [][]string{{one, two}, {two}, {one}, {two, one}} {
		if got := postLines(r, lines...); got != 200 {
			t.Errorf("%v: answers %d", lines, got)
		}
	}
	if len(*events) != 1 {
		t.Errorf("one event hinted %d times", len(*events))
	}
}
