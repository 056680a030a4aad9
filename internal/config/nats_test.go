package config

import (
	"strings"
	"testing"
)

const workerText = `
[nats]
urls = ["nats://127.0.0.1:4222"]
[worker]
name = "gpu-1"
[[route]]
name = "video"
generator = "studio"
[generator.studio]
type = "canvas"
`

func TestAWorkerHasAConfigurationOfItsOwn(t *testing.T) {
	t.Parallel()
	w, err := LoadWorker(write(t, workerText))
	if err != nil {
		t.Fatal(err)
	}
	if w.Name != "gpu-1" || len(w.Routes) != 1 || w.Routes[0].Slots != 1 || w.Generators["studio"].Type != TypeCanvas {
		t.Errorf("got %+v", w)
	}
}

func TestAWrongConfigurationOfAWorkerIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, want string }{
		{`nats://127.0.0.1:4222`, `nats://10.0.0.1:4222`, "without TLS"},
		{`nats://127.0.0.1:4222`, `http://127.0.0.1:4222`, "is not the address of a server"},
		{`urls = ["nats://127.0.0.1:4222"]`, ``, "nats.urls"},
		{`"gpu-1"`, `"gpu 1"`, "is not a valid name"},
		{`generator = "studio"`, `generator = "other"`, "there is no [generator.other]"},
		{`type = "canvas"`, "type = \"nats\"\nroute = \"video\"", "a worker makes calls itself"},
		{`[worker]`, "[agent]\nname = \"x\"\n[worker]", "unknown key"},
	} {
		_, err := LoadWorker(write(t, strings.Replace(workerText, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.to, err, c.want)
		}
	}
}
