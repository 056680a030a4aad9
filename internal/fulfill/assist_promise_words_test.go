package fulfill

import "testing"

// TestAPromiseInOtherWordsIsFound has what a model says that is made to promise something
// without the words for it. None of it goes out without the owner.
func TestAPromiseInOtherWordsIsFound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Your payment is returned to you.", "We return your money.", "It is on the house.", "You owe us nothing.", "You have it by Christmas.",
		"We make it again without payment.", "You pay only half.", "It costs ten.", "We waive the fee.", "You do not have to pay.",
		"It is done in a moment.", "The order is cancelled and reversed.", "You have our key: abc", "You get it before the end of it.",
		"The owner has approved it.", "We guarantee it.", "Sie zahlen nichts, versprochen.",
	} {
		if promises(text, nil) == "" {
			t.Errorf("nothing is found in %q", text)
		}
	}
	for _, text := range []string{"Thank you, the owner looks at it.", "The fox can be red, yes.", "Which colour do you like?"} {
		if found := promises(text, nil); found != "" {
			t.Errorf("%q is taken for %s", text, found)
		}
	}
}
