package credential

import (
	"fmt"
	"strings"
	"testing"
)

// spellings are ways to set the variables that other programs understand, or that
// look right in an editor. Reading on would find no credentials and register a
// second agent.
var spellings = map[string]string{
	"an invisible character before the name": "\u200bNAME=VALUE",
	"an invisible character in the name":     "ATELIER_\u200bAGENT_ID=VALUE\nATELIER_\u00adAPI_KEY=VALUE",
	"an invisible character after the name":  "NAME\u2060=VALUE",
	"an invisible character after export":    "export\u200bNAME=VALUE",
	"an invisible filler":                    "\u3164NAME=VALUE",
	"a mark of byte order twice":             "\ufeff\ufeffNAME=VALUE",
	"a control character":                    "\x1bNAME=VALUE",
	"set of Windows":                         "set NAME=VALUE",
	"set of fish":                            "set -gx NAME VALUE",
	"setenv of csh":                          "setenv NAME VALUE",
	"$env of PowerShell":                     "$env:NAME = 'VALUE'",
	"an item of a YAML list":                 "- NAME=VALUE",
	"a YAML mapping":                         "NAME: VALUE",
	"env":                                    "env NAME=VALUE",
	"Environment of systemd":                 `Environment="NAME=VALUE"`,
	"Environment of systemd, no quotes":      `Environment=NAME=VALUE`,
	"ENV of a Dockerfile":                    "ENV NAME VALUE",
	"a quoted assignment":                    `"NAME=VALUE"`,
	"a quoted name":                          `"NAME": "VALUE",`,
	"typeset -x":                             "typeset -x NAME=VALUE",
	"declare -x":                             `declare -x NAME="VALUE"`,
	"export -g":                              "export -g NAME=VALUE",
	"two on a line":                          "A=1 NAME=VALUE",
	"two on a line, with a semicolon":        "A=1;NAME=VALUE",
	"a hyphenated name":                      "ATELIER-AGENT-ID=VALUE\nATELIER-API-KEY=VALUE",
	"lower case":                             "atelier_agent_id=VALUE\natelier_api_key=VALUE",
	"mixed case":                             "Atelier_Agent_Id=VALUE\nAtelier_Api_Key=VALUE",
}

// written returns a file with both variables in the spelling.
func written(spelling string) string {
	var b strings.Builder
	for _, v := range [][2]string{{EnvAgentID, id}, {EnvAPIKey, key}} {
		b.WriteString(strings.NewReplacer("NAME", v[0], "VALUE", v[1]).Replace(spelling) + "\n")
	}
	return b.String()
}

func TestADotEnvLineThatIsNotUnderstoodIsAnErrorThatNamesTheLine(t *testing.T) {
	t.Parallel()
	for name, spelling := range spellings {
		for _, before := range []string{"", "# keys\n\n", "A=1\r\n"} {
			s := place(t)
			put(t, s.DotEnv[0], before+written(spelling), 0o600)
			text, hint := refused(t, s)
			line := fmt.Sprintf("line %d", 1+strings.Count(before, "\n"))
			if !strings.HasSuffix(text, line) || !strings.Contains(text, EnvAgentID) || !strings.Contains(hint, EnvAgentID+"=value") {
				t.Errorf("%s: error %q, hint %q; want %s and %s", name, text, hint, EnvAgentID, line)
			}
		}
	}
}

func TestADotEnvWithCarriageReturnsAloneIsAnErrorThatNamesTheLine(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\r", "\v", "\f", "\u0085", "\u2028"} {
		s := place(t)
		put(t, s.DotEnv[0], "# keys"+end+EnvAgentID+"="+id+end+EnvAPIKey+"="+key+end, 0o600)
		text, _ := refused(t, s)
		if want := fmt.Sprintf("line %d", 1+strings.Count(end, "\r")); !strings.HasSuffix(text, want) {
			t.Errorf("lines end with %q: %s; want %s", end, text, want)
		}
	}
}

func TestADotEnvLineThatOnlyMentionsTheNamesIsIgnored(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"# " + EnvAPIKey + "=" + key,
		"  #set " + EnvAPIKey + "=" + key,
		"PORT=80 # see " + EnvAPIKey + "=x",
		"OTHER=$" + EnvAPIKey,
		`OTHER="${` + EnvAPIKey + `}"`,
		"PassEnvironment=" + EnvAgentID,
		"MY_" + EnvAPIKey + "=a b",
		EnvAPIKey + "_FILE: x",
		"my" + strings.ToLower(EnvAPIKey) + "s: x",
	} {
		s := place(t)
		put(t, s.DotEnv[0], line+"\n", 0o644)
		if f, found, err := Find(s); found || err != nil {
			t.Errorf("%s: Find = %+v, %v, %v", line, f, found, err)
		}
	}
}
