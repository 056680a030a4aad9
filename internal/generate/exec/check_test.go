//go:build unix

package exec

import (
	"strings"
	"testing"

	"atelierd/internal/order"
)

func TestACheckReportsItsReasonWithoutSecrets(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine-10) + plainKey
	for _, tc := range []struct{ script, want string }{
		{`echo "no: $OPENAI_API_KEY" >&2; exit 65`, "no: [OPENAI_API_KEY]"},
		{`echo "no: $OPENAI_API_KEY"; exit 65`, "no: [OPENAI_API_KEY]"},
		{`printf 'no: sk-very' >&2; sleep 0.2; echo "${OPENAI_API_KEY#sk-very}" >&2; exit 65`, "no: [OPENAI_API_KEY]"},
		{`echo "` + long + `" >&2; echo no >&2; exit 65`, ": no"},
		{`echo "` + long + `" >&2; exit 65`, "xxx"},
		{`echo '{"message":"no: ` + plainKey + `"}'; exit 65`, "no: [OPENAI_API_KEY]"},
		{`echo '{"message":"` + long[maxLine-maxMessage:] + `"}'; exit 65`, "xxx"},
		{`echo '{"` + plainKey + `":1}'; echo no >&2; exit 65`, ": no"},
	} {
		var lines []string
		e := keyed(t, tc.script, onLine(func(s string) { lines = append(lines, s) }))
		err := e.CheckFiles(t.Context(), request(t), []string{"/made/a.png"})
		wantFailure(t, err, order.Fail, order.CodeRefused, tc.want)
		wantNoPart(t, plainKey, append(lines, shown(t, err)...)...)
	}
}
