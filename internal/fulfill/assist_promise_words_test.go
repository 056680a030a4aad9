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
		"It costs you nothing.", "There is no additional charge for that.", "We do it without charge.", "It is complimentary.", "It is a gift.",
		"You have it this afternoon.", "You have it before lunch.", "It is 20% less.", "You get it for zero.", "It is _free_.",
		"Das kostet nichts.", "Ohne Gebühren.", "Sie haben es am Nachmittag.", "Wir rückerstatten es.", "Wir RÜCKERSTATTEN es.",
		"Nous le faisons sans frais.", "C’est offert.", "Vous l’avez cet après-midi.", "Bientôt.", "C’est déjà payé.",
		"No le cuesta nada.", "Lo tiene mañana.", "Es un regalo.", "Não custa nada.", "Está pronto à tarde.", "Non costa nulla.", "Senza spese.",
	} {
		if promises(text, nil) == "" {
			t.Errorf("nothing is found in %q", text)
		}
	}
	for _, text := range []string{
		"Thank you, the owner looks at it.", "The fox can be red, yes.", "Which colour do you like?", "Yes! It often is.\n\nThe “fox” – it’s red…",
		"Der Fuchs ist grün.", "Le renard est là, près de l’arbre.", "El zorro está en el jardín.",
	} {
		if found := promises(text, nil); found != "" {
			t.Errorf("%q is taken for %s", text, found)
		}
	}
}

// A part of what the owner says may mean the opposite.
func TestOnlyWholeSentencesOfTheOwnerAreLetThrough(t *testing.T) {
	t.Parallel()
	texts := []string{
		"Delivery is within 24 hours. It costs $20, as the list says.", "We often do this.\nThere is no refund.", "Was it late? Then we refund it. Yes!",
		"The second try takes approx. 48 hours.\n\nPay nothing more",
	}
	for text, passes := range map[string]bool{
		"Delivery is within 24 hours.":                           true,
		"Hello! delivery  is\nwithin 24 HOURS!":                  false, // the greeting is a part of the sentence
		"Hello!\n\nDELIVERY  is\nwithin 24 hours!":               true,
		"It costs $20, as the list says. The fox is red.":        true,
		"The fox is red. There is no refund.":                    true,
		"The fox is red. We often do this. There is no refund.":  true,
		"Pay nothing more.":                                      true,
		"Delivery is within 2 hours.":                            false,
		"Delivery is within 4 hours.":                            false,
		"within 24 hours.":                                       false,
		"Your refund comes within 24 hours.":                     false,
		"It costs $2.":                                           false,
		"It costs $2, as the list says.":                         false,
		"It takes ten of them.":                                  false,
		"There is no problem. Yes, we will refund it.":           false,
		"We refund it. Delivery is within 24 hours.":             false,
		"Then we refund it?":                                     false,
		"48 hours.":                                              false, // approx. ends no sentence
		"We give it all. Delivery is within 24 hours. And back!": true,
	} {
		if found := promises(text, texts); (found == "") != passes {
			t.Errorf("%q: %q", text, found)
		}
	}
}

// A reader sees a word that has something between its letters, or other letters.
func TestWordsInOtherCharactersAreHeld(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"It is fr\u00adee.", "We re\u200bfund it.", "We re\u2060fund it.", "We re\u034ffund it.", "We re\ufe0ffund it.", "Pa\u0338id.", "\u202eeerf\u202c",
		"It is ｆｒｅｅ.", "ＦＲＥＥ", "We reﬁll it.", "It is 𝐟𝐫𝐞𝐞.", "It is ⓕⓡⓔⓔ.", "It is 🆓.", "🇫🇷", "It is ꜰʀᴇᴇ.", "We refunđ it.", "The prıce is low.",
		"frèe", "re\u0301fund", "Это бесплатно.", "無料です。", "５",
	} {
		if promises(text, nil) == "" {
			t.Errorf("nothing is found in %q", text)
		}
	}
	if found := promises("Gru\u0308n, 😊 – it’s “red” ✓", nil); found != "" {
		t.Errorf("it is taken for %s", found)
	}
}
