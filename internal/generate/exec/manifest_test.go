//go:build unix

package exec

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

func TestACutMessageHoldsNoPartOfASecret(t *testing.T) {
	t.Parallel()
	redact := newRedactor([]string{"API_KEY=" + plainKey})
	for from := maxMessage - len(plainKey) - 2; from <= maxMessage+2; from++ {
		message := `"message":"` + strings.Repeat("é", from) + plainKey + ` and more"`
		m, err := parseManifest([]byte("{"+message+"}"), redact)
		_, told, priceErr := parsePrice([]byte(`{"price_usd":1,`+message+"}"), redact)
		if err != nil || priceErr != nil || len(m.Message) < from || len(told) < from {
			t.Fatalf("%v, %v, %q, %q", err, priceErr, m.Message, told)
		}
		wantNoPart(t, plainKey, m.Message, told)
	}
}

func TestManifestErrorsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	digits, escaped := "8234567812345678", `p\"q\\r/s<t>&u é+v=w:x@y z`
	pad := strings.Repeat("x", 80)
	for _, tc := range []struct{ manifest, want string }{
		{`{"url":"https://user:` + plainKey + `@x.example/"}`, "url holds the value of a secret"},
		{`{"url":"https://x.example/?key=` + plainKey + `"}`, "url holds the value of a secret"},
		{`{"url":"https://x.example/%73k-veryhidden-0123456789-abcdef"}`, "url holds the value of a secret"},
		{`{"url":"https://x.example/?a=%zz&b=%73k-veryhidden-0123456789-abcdef"}`, "url holds the value of a secret"},
		{`{"` + plainKey + `":1,"files":[]}`, "made nothing"},
		{`{"` + escaped + `":1,"cost_usd":1}`, "made nothing"},
		{`{"` + escaped + `":1}`, "made nothing"},
		{`{"message":` + digits + `}`, "made nothing"},
		{`{"files":["/` + plainKey + `"]}`, "outside"},
		{`{"files":["../` + pad + plainKey + `"]}`, "outside"},
		{`{"files":["../` + escaped + `"]}`, "[ODD_PASSWORD]"},
		{`{"files":["` + plainKey + `.png"]}`, `"[OPENAI_API_KEY].png" holds the value of a secret`},
		{`{"files":["` + pad + plainKey + `.png"]}`, "holds the value of a secret"},
		{`{"files":["` + plainKey + `/a.png"]}`, `"[OPENAI_API_KEY]/a.png" holds the value of a secret`},
		{`{"files":["` + plainKey + `","` + plainKey + `"]}`, "holds the value of a secret"},
	} {
		var lines []string
		e := keyed(t, "cat <<'END'\n"+tc.manifest+"\nEND", func(o *Options) { o.Env = append(o.Env, "PIN_TOKEN="+digits) },
			onLine(func(s string) { lines = append(lines, s) }))
		_, err := e.Generate(t.Context(), request(t))
		class := order.Retry
		code := order.CodeBadOutput
		if strings.Contains(tc.want, "holds the value") {
			class = order.Hold // only the owner can fix it
		}
		if tc.want == "made nothing" {
			class, code = order.Hold, order.CodeNoOutput
		}
		wantFailure(t, err, class, code, tc.want)
		for _, secret := range []string{plainKey, digits, oddKey, strings.Trim(strconv.Quote(oddKey), `"`)} {
			wantNoPart(t, secret, append(lines, shown(t, err)...)...)
		}
	}
}

func TestFlawsOfAManifestHoldNoSecrets(t *testing.T) {
	t.Parallel()
	const digits = "8234567812345678"
	redact := newRedactor([]string{"OPENAI_API_KEY=" + plainKey, "PIN_TOKEN=" + digits})
	for _, tc := range []struct{ manifest, want string }{
		{`{"media_type":"` + strings.Repeat("x", 30) + plainKey + `"}`, "media_type"},
		{`{"cost_usd":"` + plainKey + `"}`, `cost_usd "[OPENAI_API_KEY]" is not an amount`},
		{`{"cost_usd":"` + strings.Repeat("x", 30) + plainKey + `"}`, "is not an amount"},
		{`{"cost_usd":` + digits + `}`, `cost_usd "[PIN_TOKEN]" is not an amount`},
		{`{"cost_usd":["s\u006b` + plainKey[2:] + `"]}`, "cost_usd is neither"},
		{`{"` + plainKey + `":1}`, "a field that is not known"},
	} {
		m, err := parseManifest([]byte(tc.manifest), redact)
		if all := strings.Join(m.Flaws, "|"); err != nil || !strings.Contains(all, tc.want) {
			t.Errorf("%s: %q, %v", tc.manifest, all, err)
		}
		wantNoPart(t, plainKey, m.Flaws...)
		wantNoPart(t, digits, m.Flaws...)
	}
}

func TestRedactionKeepsTheMeaningOfAManifest(t *testing.T) {
	t.Parallel()
	req := request(t)
	e := script(t, `echo x > "$OUTPUT_DIR/a.png"; echo '{"files":["`+req.OutputDir+`/a.png"],"cost_usd":12345678.25,"media_type":"image","message":"by jane-doe"}'`,
		func(o *Options) {
			// None of these is a secret, but each looks like one by its name.
			o.Env = []string{"AUTH_FIELD=cost_usd", "KEY_FIELD=media_type", "PASSES=12345678", "AUTHOR=jane-doe", "TOKEN_DIR=" + filepath.Dir(req.OutputDir)}
		})
	res, err := e.Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := generate.Result{Files: []string{filepath.Join(req.OutputDir, "a.png")}, MediaType: "image", Cost: 12_345_678_250_000, Message: "by [AUTHOR]"}
	if !slices.Equal(res.Files, want.Files) || res.MediaType != want.MediaType || res.Cost != want.Cost || res.Message != want.Message {
		t.Errorf("got %+v", res)
	}
}

func TestAFileWithASecretInItsNameIsHeldWithItsCost(t *testing.T) {
	t.Parallel()
	_, err := keyed(t, `echo x > "$OUTPUT_DIR/$OPENAI_API_KEY.png"; echo '{"cost_usd":"0.04"}'`).Generate(t.Context(), request(t))
	f := wantFailure(t, err, order.Hold, order.CodeBadOutput, `"[OPENAI_API_KEY].png" holds the value of a secret`)
	if f.Cost != 40_000 || f.Hint == "" {
		t.Errorf("cost %s, hint %q", f.Cost, f.Hint)
	}
	wantNoPart(t, plainKey, shown(t, err)...)
}
