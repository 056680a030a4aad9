//go:build unix

package exec

import (
	"strings"
	"testing"

	"atelierd/internal/order"
)

func TestAPriceIsTextOrANumberAboveZero(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]order.USD{
		`{"price_usd":"15.00"}`:            15 * order.Dollar,
		`{"price_usd":0.5,"message":"ok"}`: 500_000,
		`{"price_usd":"0"}`:                0,
		`{"price_usd":-1}`:                 0,
		`{"price_usd":"much"}`:             0,
		`{"price_usd":true}`:               0,
		`{"message":"no price"}`:           0,
		`{"price_usd":1} and text`:         0,
		`15.00`:                            0,
	} {
		got, err := script(t, "echo '"+text+"'").Price(t.Context(), request(t))
		if got != want || want > 0 && err != nil {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
		if want == 0 {
			wantFailure(t, err, order.Retry, order.CodeBadOutput, "pric")
		}
	}
}

func TestAPricingCommandShowsNoSecrets(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine-10) + plainKey
	for _, tc := range []struct {
		script string
		class  order.Class
		code   order.Code
		want   string
	}{
		{`echo "no: $OPENAI_API_KEY" >&2; exit 65`, order.Fail, order.CodeRefused, "no: [OPENAI_API_KEY]"},
		{`echo "` + long + `" >&2; exit 1`, order.Retry, order.CodeExit, "xxx"},
		{`echo "` + long + `"; exit 0`, order.Retry, order.CodeBadOutput, "did not print"},
		{`echo '{"message":"` + long[maxLine-maxMessage:] + `"}'; exit 65`, order.Fail, order.CodeRefused, "xxx"},
		{`echo '{"price_usd":"` + plainKey + `"}'`, order.Retry, order.CodeBadOutput, `price_usd "[OPENAI_API_KEY]" is not an amount`},
		{`echo '{"price_usd":"` + long[maxLine-40:] + `"}'`, order.Retry, order.CodeBadOutput, "is not an amount"},
		{`echo '{"price_usd":["s\u006b` + plainKey[2:] + `"]}'`, order.Retry, order.CodeBadOutput, "price_usd is neither"},
		{`echo '{"price_usd":823456781234567800}'`, order.Retry, order.CodeBadOutput, `price_usd "[PIN_TOKEN]00" is not an amount`},
	} {
		var lines []string
		e := keyed(t, tc.script, onLine(func(s string) { lines = append(lines, s) }),
			func(o *Options) { o.Env = append(o.Env, "PIN_TOKEN=8234567812345678") })
		_, err := e.Price(t.Context(), request(t))
		wantFailure(t, err, tc.class, tc.code, tc.want)
		wantNoPart(t, plainKey, append(lines, shown(t, err)...)...)
	}
}
