package provider

import (
	"testing"

	"atelierd/internal/order"
)

func TestReplicateTellsADeletedOutputFromOneThatIsNoFile(t *testing.T) {
	for output, code := range map[string]string{`null`: "expired", `{"text":"a lighthouse"}`: "no_output", `[]`: "no_output"} {
		s := script(t, map[string][]said{"GET /v1/predictions/p1": {{status: 200, body: `{"status":"succeeded","output":` + output + `}`}}})
		_, f := s.resumed(t, Spec{Type: "replicate", Model: "black-forest-labs/flux-schnell"}, "p1")
		wantFailure(t, f, order.Retry, code, order.Spent)
	}
}
