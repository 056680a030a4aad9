package provider

import (
	"testing"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

func TestOpenAITellsARefusalFromAnAnswerOfAnotherForm(t *testing.T) {
	tests := []struct {
		answer   said
		class    order.Class
		code     string
		spending order.Spending
	}{
		{said{status: 200, body: `{"data":[]}`}, order.Fail, "refused", order.Spent},
		{said{status: 200, body: `{"message":"welcome"}`}, order.Retry, "bad_answer", order.SpentUnknown},
		{said{status: 400, body: `{"error":{"code":"moderation_blocked","type":"user_error"}}`}, order.Fail, "refused", order.SpentNothing},
		{said{status: 400, body: `{"error":{"code":"400","type":"content_policy_violation"}}`}, order.Fail, "refused", order.SpentNothing},
		{said{status: 400, body: `{"error":{"code":"invalid_size"}}`}, order.Hold, "rejected", order.SpentNothing},
	}
	for _, test := range tests {
		s := script(t, map[string][]said{"POST /images/generations": {test.answer}})
		_, f := s.generate(t, Spec{Type: "openai", Model: "gpt-image-1"}, generate.Request{})
		wantFailure(t, f, test.class, test.code, test.spending)
	}
}
