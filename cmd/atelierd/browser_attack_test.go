package main_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"atelierd/internal/sandbox"
)

// leastPayloads is how many hostile texts there are at least.
const leastPayloads = 200

// trap is an address that nothing of a page may load. It notes what does.
type trap struct {
	*httptest.Server
	mu  sync.Mutex
	got []string
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	p := &trap{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.got = append(p.got, r.URL.String())
	}))
	t.Cleanup(func() {
		p.Close()
		if len(p.got) > 0 {
			t.Errorf("pages have loaded %d addresses of hostile texts, such as %s", len(p.got), p.got[0])
		}
	})
	return p
}

var payloadMark = regexp.MustCompile(`⟦(N|URL|HOST|x[0-9A-F]{2}|U\+[0-9A-F]+)⟧`)

// payloads reads the hostile texts.
func (p *trap) payloads(t *testing.T) (texts []string) {
	t.Helper()
	file := string(must(os.ReadFile(filepath.Join("testdata", "attack", "payloads.txt"))))
	for line := range strings.Lines(file) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		texts = append(texts, payloadMark.ReplaceAllStringFunc(line, func(mark string) string {
			switch word := strings.Trim(mark, "⟦⟧"); {
			case word == "N":
				return strconv.Itoa(len(texts) + 1)
			case word == "URL":
				return p.URL
			case word == "HOST":
				return p.Listener.Addr().String()
			case word[0] == 'x':
				return string([]byte{byte(must(strconv.ParseUint(word[1:], 16, 8)))})
			default:
				return string(rune(must(strconv.ParseUint(word[2:], 16, 32))))
			}
		}))
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(texts))); len(unique) < leastPayloads || len(unique) != len(texts) {
		t.Fatalf("there are %d hostile texts, %d of them different", len(texts), len(unique))
	}
	return texts
}

// besiege fills the ledger of a fixture with hostile texts, and the marketplace with
// bounties and a listing that have them.
func (s *fixture) besiege(texts []string) {
	s.t.Helper()
	for i := 0; i < 50; i++ {
		some := strings.ToValidUTF8(strings.Join(texts[i*len(texts)/50:(i+1)*len(texts)/50], " "), "?")
		must(s.market.PostBounty(sandbox.NewBounty{Title: strings.ToValidUTF8(texts[i*5], "?"), Brief: some, ReferenceURLs: strings.Fields(some)}))
	}
	s.until("the service is not listed", func() bool {
		return s.count("SELECT count(*) FROM services WHERE state = 'listed' AND title = 'Pictures'") == 1
	})
	s.relist("Pictures", strings.ToValidUTF8(strings.Join(texts[:10], " "), "?"))
	s.insert(texts, 0)
	if err := os.MkdirAll(filepath.Join(s.dir, "data", "artifacts"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	all := []byte(strings.Join(texts, "\n"))
	for name, content := range map[string][]byte{
		"pwn.svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert('an SVG')"><script>alert('an SVG')</script></svg>`),
		"pwn.htm": append([]byte("<!doctype html><script>alert('a page')</script>"), all...),
		"pwn.gif": append([]byte("GIF89a/*<script>alert('a picture')</script>*/=1;"), all...),
		"pwn.xml": []byte(`<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert('XML')</script></html>`),
		"pwn.pdf": []byte("%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>endobj"),
	} {
		s.putFile(name, content)
	}
}

// putFile adds a file to the order pwn_full.
func (s *fixture) putFile(name string, content []byte) {
	s.t.Helper()
	s.write(filepath.Join("data", "artifacts", name), string(content), 0o600)
	db := s.openDatabase("")
	defer db.Close()
	_, err := db.Exec(`INSERT INTO artifacts (order_id, kind, round, take, position, path, name, bytes, sha256, mime, media, width, height, created_at)
		VALUES ('pwn_full', 'delivery', 0, 1, (SELECT count(*) FROM artifacts), ?, ?, ?, ?, 'image/svg+xml', 'image', 9, 9, ?)`,
		"artifacts/"+name, name, len(content), fmt.Sprintf("%x", sha256.Sum256(content)), stamp(0))
	if err != nil {
		s.t.Fatal(err)
	}
}

func stamp(in time.Duration) string {
	return time.Now().Add(in).UTC().Format("2006-01-02T15:04:05.000Z")
}

// insert puts texts into the ledger, as testdata/attack/ledger.sql says. The first one has
// the number after.
func (s *fixture) insert(texts []string, after int) {
	s.t.Helper()
	file := regexp.MustCompile(`(?m)^--.*\n`).ReplaceAllString(string(must(os.ReadFile(filepath.Join("testdata", "attack", "ledger.sql")))), "")
	db := s.openDatabase("_txlock=immediate")
	defer db.Close()
	tx := must(db.Begin())
	defer tx.Rollback() // after a commit there is nothing to take back
	for i, text := range texts {
		args := []any{
			sql.Named("text", text), sql.Named("n", after+i+1), sql.Named("valid", strings.ToValidUTF8(text, "?")), sql.Named("all", strings.Join(texts, "\n")),
			sql.Named("some", strings.Join(texts[:min(3, len(texts))], " ")), sql.Named("sum", fmt.Sprintf("%x", sha256.Sum256([]byte(text)))),
			sql.Named("at", stamp(time.Duration(i-1000)*time.Millisecond)), sql.Named("due", stamp(24*time.Hour)),
		}
		for statement := range strings.SplitSeq(file, ";\n") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			var used []any
			for _, a := range args {
				if strings.Contains(statement, ":"+a.(sql.NamedArg).Name) {
					used = append(used, a)
				}
			}
			if _, err := tx.Exec(statement, used...); err != nil {
				s.t.Fatalf("text %d: %.200s: %v", after+i+1, statement, err)
			}
		}
	}
	if err := tx.Commit(); err != nil {
		s.t.Fatal(err)
	}
}

// relist changes the description of a service at the marketplace, as somebody else might.
func (s *fixture) relist(title, description string) {
	s.t.Helper()
	db := s.openDatabase("mode=ro")
	defer db.Close()
	var id string
	if err := db.QueryRow("SELECT remote_id FROM services WHERE title = ?", title).Scan(&id); err != nil {
		s.t.Fatal(err)
	}
	r := must(http.NewRequest(http.MethodPatch, s.url+"/api/services/"+id, bytes.NewReader(must(json.Marshal(map[string]string{"description": description})))))
	r.Header.Set("Content-Type", "application/json")
	for _, v := range s.env {
		if key, ok := strings.CutPrefix(v, "ATELIER_API_KEY="); ok {
			r.Header.Set("Authorization", "Bearer "+key)
		}
	}
	resp := must(http.DefaultClient.Do(r))
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("the listing cannot be changed: %s", resp.Status)
	}
}

// audit is what the elements of a page say that no page may have, and the texts that it has.
type audit struct {
	Bad   []string
	Texts []int
}

// auditPage looks at each element and attribute. Only those of the templates may be there,
// and no address may lead away.
const auditPage = `(tags => {
	const bad = [], texts = new Set();
	if (document.contentType === "text/plain") return JSON.stringify({Bad: bad, Texts: []});
	const find = text => { for (const m of text.matchAll(/pwn(\d+)/g)) texts.add(+m[1]); };
	for (const e of document.querySelectorAll("*")) {
		if (!tags.includes(e.localName)) bad.push("the element " + e.outerHTML.slice(0, 200));
		for (const a of e.attributes) {
			find(a.value);
			if (/^(on|style$|srcdoc$|x-pwn|background$|ping$|http-equiv$)/.test(a.name)) bad.push("the attribute " + a.name + " of " + e.outerHTML.slice(0, 200));
			if (/^(href|src|action|formaction|poster|data|cite|xlink:href)$/.test(a.name) || a.name === "srcset")
				for (const part of a.name === "srcset" ? a.value.split(",") : [a.value]) {
					const to = new URL(part.trim().split(/\s/)[0] || ".", document.baseURI);
					if (to.origin !== location.origin) bad.push("the address " + a.value + " of " + e.outerHTML.slice(0, 200));
				}
		}
	}
	for (const s of document.scripts) if (!s.src.startsWith(location.origin + "/static/") || s.textContent) bad.push("the script " + s.outerHTML.slice(0, 200));
	for (const name of Object.keys(window)) if (/^pwn\d/.test(name)) bad.push("the variable " + name);
	if (/pwn/.test(document.cookie)) bad.push("the cookie " + document.cookie);
	find(document.documentElement.textContent);
	return JSON.stringify({Bad: bad.slice(0, 5), Texts: [...texts]});
})(%s)`

// elements are the names of all elements that the templates of the console have.
func elements(t *testing.T) (list string) {
	t.Helper()
	names := []string{"time", "span"} // of functions of the templates
	for _, file := range must(filepath.Glob("../../internal/console/templates/*.html")) {
		for _, m := range regexp.MustCompile(`<([a-zA-Z][a-zA-Z0-9]*)`).FindAllSubmatch(must(os.ReadFile(file)), -1) {
			names = append(names, string(m[1]))
		}
	}
	return string(must(json.Marshal(names)))
}

// siege is a tab that looks at pages full of hostile texts.
type siege struct {
	*tab
	elements string // see elements
	texts    []string
}

// opens opens a page and audits it. At least so many of the texts have to be on it.
func (b *siege) opens(path string, least int) []int {
	b.Helper()
	b.goTo(b.site + path)
	return b.inspect(path, least)
}

// inspect audits the page that is open.
func (b *siege) inspect(path string, least int) []int {
	b.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(auditPage, b.elements)))
	if err != nil {
		b.Fatalf("%.200s: %v", path, err)
	}
	var a audit
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		b.Fatal(err)
	}
	for _, bad := range a.Bad {
		b.Errorf("%.200s has %s", path, bad)
	}
	if len(a.Texts) < least {
		b.Errorf("%.200s shows %d of the hostile texts, want %d\n%.500s", path, len(a.Texts), least, b.text())
	}
	return a.Texts
}
