package fulfill

import (
	"regexp"
	"strings"
	"unicode"
)

// promised are the words of a promise that only the owner gives, in the languages that most
// clients write. What a text says in another script is not known.
var promised = []struct {
	what  string
	found *regexp.Regexp
}{
	{"a link or an address", regexp.MustCompile(`(?i)https?:|www\.|\S@\S|\b[a-z0-9-]+\.(com|net|org|io|xyz|app|me|co|ru|de|info)\b`)},
	{"an amount of money", regexp.MustCompile(`(?i)[$€£¥₹₽]|\b(usd|usdc|eur|gbp|sol|eth|dollars?|euros?|cents?|bucks|pesos?|reais)\b`)},
	{"something about a price", regexp.MustCompile(`(?i)%|\b(percent|price|discount|cheaper|free|for nothing|no (extra )?(charge|cost)|rabatt|preis|kostenlos|gratis|prix|remise|gratuit\w*|precio|descuento|preço|desconto|prezzo|sconto)\b`)},
	{"something about paying", regexp.MustCompile(`(?i)\b(pay|pays|paying|paid|payments?|fees?|owes?|owed|waived?|waives|on the house|half|bill|invoice|money|bezahl\w*|zahl(en|st|t|ung\w*)|pay(er|é\w*)|paiement\w*|pag(o|a|ar|amento\w*)|geld|argent|dinero|dinheiro|soldi)\b`)},
	{"something about a refund", regexp.MustCompile(`(?i)refund|reimburs|money back|chargeback|compensat|\b(give|send|pay|get)\b[^.]{0,30}\bback\b|r(ü|ue)ckerstatt|erstatt|geld zur|rembours|reembols|devoluci|rimbors`)},
	{"a time or a date", regexp.MustCompile(`(?i)\b(today|tonight|tomorrow|yesterday|soon|shortly|immediately|right away|asap|within|minutes?|hours?|days?|weeks?|months?|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|june|july|august|september|october|november|december|noon|midnight|morning|evening|weekend|deadline|heute|morgen|bald|sofort|minuten?|stunden?|tage?n?|wochen?|monate?n?|demain|aujourd|bient[oô]t|heures?|jours?|semaines?|mois|hoy|ma[ñn]ana|pronto|horas?|d[ií]as?|semanas?|meses|hoje|amanh[ãa]|oggi|domani|presto|ore|giorni|settiman\w+)\b`)},
	{"a time or a date", regexp.MustCompile(`(?i)\b(moments?|seconds?|tonite|years?|christmas|easter|new year|end of)\b`)},
	{"a number", regexp.MustCompile(`(?i)\p{N}|\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand|dozen)\b`)},
	{"something that the owner decides", regexp.MustCompile(`(?i)\b(approv(e|ed|al)|accepted|agreed?|guarantee\w*|promis(e|es|ed)|return(s|ed|ing)?|revers(e|ed|al)|cancel\w*|credit\w*|key|password)\b`)},
}

// promises returns what a reply may promise that none of the owner's texts says, in words, or
// "". A text in letters that the words above are not written in may promise anything.
func promises(text string, texts []string) string {
	own := strings.ToLower(strings.Join(texts, "\n"))
	for _, p := range promised {
		for _, found := range p.found.FindAllString(text, -1) {
			if !strings.Contains(own, strings.ToLower(found)) {
				return p.what
			}
		}
	}
	for _, c := range text {
		if unicode.IsLetter(c) && !unicode.Is(unicode.Latin, c) {
			return "something in letters that are not checked"
		}
	}
	return ""
}
