package main_test

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// The token that the forms of a page carry.
var formToken = regexp.MustCompile(`name="token" value="([^"]+)"`)

// The fingerprint that the forms of an order carry.
var formSeen = regexp.MustCompile(`name="if" value="([^"]+)"`)

// scriptVisit sends a request as a browser does that shows a page of the console, and
// writes the body of the answer to the file answer: visit STATUS METHOD URL [FORM]. It keeps
// the cookie in the file cookie. A URL of the form @FILE is the first line of a file. TOKEN in
// a form is the token of the forms on the page before, and SEEN their fingerprint.
func scriptVisit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: visit status method url [form]")
	}
	address := args[2]
	if file, ok := strings.CutPrefix(address, "@"); ok {
		address, _, _ = strings.Cut(ts.ReadFile(file), "\n")
	}
	form := strings.Join(args[3:], "")
	if strings.Contains(form, "TOKEN") {
		found := formToken.FindStringSubmatch(ts.ReadFile("answer"))
		if found == nil {
			ts.Fatalf("the page before has no form")
		}
		form = strings.ReplaceAll(form, "TOKEN", html.UnescapeString(found[1]))
		if found = formSeen.FindStringSubmatch(ts.ReadFile("answer")); found != nil {
			form = strings.ReplaceAll(form, "SEEN", found[1])
		}
	}
	r, err := http.NewRequest(args[1], address, strings.NewReader(form))
	ts.Check(err)
	if cookie, err := os.ReadFile(ts.MkAbs("cookie")); err == nil {
		r.Header.Set("Cookie", string(cookie))
	}
	if args[1] == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	ts.Check(err)
	defer resp.Body.Close()
	var body bytes.Buffer
	fmt.Fprintln(&body, resp.Status, resp.Header.Get("Location"))
	_, err = io.Copy(&body, resp.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), body.Bytes(), 0o600))
	for _, c := range resp.Cookies() {
		ts.Check(os.WriteFile(ts.MkAbs("cookie"), []byte(c.Name+"="+c.Value), 0o600))
	}
	if fmt.Sprint(resp.StatusCode) != args[0] {
		ts.Fatalf("%s %s answers %s, not %s\n%.600s", args[1], address, resp.Status, args[0], body.String())
	}
}
