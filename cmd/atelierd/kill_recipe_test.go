package main_test

import (
	"strings"
	"testing"

	"atelierd/internal/sandbox"
)

// ownRecipe describes the shape of the charging server whose jobs only have an id.
const ownRecipe = `title = "Charging"
source = "https://docs.example.com"
date = "2026-11-25"
makes = ["image"]
headers = { Authorization = "Bearer {{key}}" }
[submit]
path = "/v1/models/{{model}}/predictions"
job = "id"
body = { input = { prompt = "{{prompt}}" } }
[poll]
path = "/v1/predictions/{{job}}"
state = "status"
waiting = ["starting", "processing"]
done = ["succeeded"]
failed = ["failed"]
[result]
files = "output[]"
`

const recipeGenerator = `
type = "recipe"
recipe = "own.toml"
base_url = "PROVIDER/replicate"
model = "test/model"
key_env = "PROVIDER_KEY"
poll_interval = "100ms"
cost_usd = "0.04"
`

// A job of a recipe is paid for once, whether the daemon dies before or after the commit
// of its id. Without the id nobody knows what became of the call, so the order is held.
func TestAKillBetweenSubmitAndPollOfARecipePaysOnce(t *testing.T) {
	t.Parallel()
	for point, known := range map[string]bool{"after:call.submitted": true, "before:call.submitted": false, "after:call.begin": false} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			p := newCharging(t.Cleanup, 1, 0)
			s := newFixtureWith(t, sandbox.Options{Seed: 1}, strings.ReplaceAll(recipeGenerator, "PROVIDER/", p.url+"/"))
			s.write("own.toml", ownRecipe, 0o600)
			s.env = append(s.env, "PROVIDER_KEY=secret")
			s.place(1)
			s.startAndDie(point)
			again := s.start()
			if known {
				s.await(again)
			} else {
				s.until("the order is not held", func() bool { return s.count("SELECT count(*) FROM jobs WHERE state = 'held'") == 1 })
			}
			s.stop(again)
			want := 1
			if point == "after:call.begin" {
				want = 0 // it died before it asked
			}
			if n := p.paid(); n != want {
				t.Errorf("%d jobs were paid for, want %d", n, want)
			}
			p.checkPaid(t, true)
			if known {
				s.checkOnce()
			}
		})
	}
}
