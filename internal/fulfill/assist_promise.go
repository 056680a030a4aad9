package fulfill

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// promised are the words of a promise that only the owner gives, in the languages that most
// clients write, as folded writes them. What a text says in another language is not known.
var promised = []struct {
	what  string
	found *regexp.Regexp
}{
	{"a link or an address", regexp.MustCompile(`https?:|www\.|\S@\S|\b[a-z0-9-]+\.(com|net|org|io|xyz|app|me|co|ru|de|info)\b`)},
	{"an amount of money", regexp.MustCompile(`[$€£¥₹₽]|\b(usd|usdc|eur|gbp|sol|eth|dollars?|euros?|cents?|bucks|pesos?|reais)\b`)},
	{"something about a price", anyOf(
		`percent|prices?|priced|discount\w*|cheap\w*|free|freely|for nothing|costs?|costing|costly|charg(e|es|ed|ing)|complimentary|gift(s|ed)?|presents?|bonus\w*`,
		`rabatt\w*|preis\w*|kost(en|et|ete|eten)|kosten(los|frei)\w*|gratis|umsonst|gebuhr\w*|gebuehr\w*|geschenk\w*|schenk(en|t)|aufpreis\w*|zuschlag\w*`,
		`prix|remises?|reduction\w*|gratuit\w*|frais|cout(s|e|ent|er|era)?|offert(e|s|es)?|cadeaux?|supplement\w*`,
		`precios?|descuentos?|cuesta\w*|costo\w*|costar\w*|cargos?|regal(os?|i|ar|amos|ato|iamo)|obsequio\w*|cortesia|tarifas?|rebaja\w*`,
		`precos?|descontos?|custa\w*|custos?|taxas?|brindes?`,
		`prezz[oi]|scont[oi]|cost[ai](no)?|spes[ae]|omaggi\w*|tariff[ae]`)},
	{"something about a price", regexp.MustCompile(`%`)},
	{"something about paying", anyOf(
		`pay|pays|paying|paid|payments?|fees?|owes?|owed|waived?|waives|on the house|half|bill|billed|invoiced?|money`,
		`bezahl\w*|zahl(en|st|t|ung\w*)|geld|pay(e|es|er|ee|ez|ons)|paiement\w*|argent|pag(o|a|ar|amento\w*|amos|ue)|dinero|dinheiro|soldi`)},
	{"something about a refund", regexp.MustCompile(`refund|reimburs|money back|chargeback|compensat|\b(give|send|pay|get)\b[^.]{0,30}\bback\b|ruckerstatt|rueckerstatt|erstatt|geld zur|rembours|reembols|devoluci|devolver|rimbors`)},
	{"a time or a date", anyOf(
		`today|tonight|tonite|tomorrow|yesterday|soon|shortly|immediately|right away|asap|within|moments?|seconds?|minutes?|hours?|days?|weeks?|months?|years?`,
		`monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|june|july|august|september|october|november|december`,
		`noon|midnight|mornings?|afternoons?|evenings?|breakfast|lunch\w*|dinner|supper|bedtime|weekend|deadline|christmas|easter|new year|end of`,
		`heute|morgen|bald|sofort|minuten?|stunden?|tage?n?|wochen?|monate?n?|(vor|nach)?mittags?|abends?|fruhstuck|mittagessen`,
		`demain|aujourd|bientot|heures?|jours?|semaines?|mois|(apres-?)?midi|soir(ee)?|matin(ee)?|dejeuner`,
		`hoy|manana|pronto|horas?|dias?|semanas?|meses|tardes?|mediodia|esta noche|almuerzo|almorzar|hoje|amanha|esta noite|almoco`,
		`oggi|domani|presto|ore|giorni|settiman\w+|pomeriggio|mezzogiorno|stasera|serata|pranzo`)},
	{"a number", regexp.MustCompile(`\p{N}|\b(zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand|dozen)\b`)},
	{"something that the owner decides", anyOf(
		`approv(e|ed|al)|accepted|agreed?|guarantee\w*|promis(e|es|ed)|return(s|ed|ing)?|revers(e|ed|al)|cancel\w*|credit\w*|key|password`)},
}

// anyOf returns an expression that finds any of the words, each a whole one.
func anyOf(words ...string) *regexp.Regexp {
	return regexp.MustCompile(`\b(` + strings.Join(words, "|") + `)\b`)
}

// accented are the letters other than a to z of the languages of promised.
const accented = "àáâãäåæçèéêëìíîïñòóôõöœùúûüÿß"

// promises returns what a reply may promise that none of the owner's texts says, in words, or
// "". Only whole sentences of those texts are let through: a part of one may say the opposite.
// A text in characters that the words are not written in may promise anything.
func promises(text string, texts []string) string {
	if what := unreadable(text); what != "" {
		return what
	}
	var own, rest []string
	for _, t := range texts {
		for _, s := range sentences(t) {
			own = append(own, same(s))
		}
	}
	for _, s := range sentences(text) {
		if !slices.Contains(own, same(s)) {
			rest = append(rest, s)
		}
	}
	said := folded(strings.Join(rest, "\n"))
	for _, p := range promised {
		if p.found.MatchString(said) {
			return p.what
		}
	}
	return ""
}

// unreadable returns what a text has that the words of promised do not match though a reader
// takes it for one of them: characters that are not seen, and letters that look like others.
func unreadable(text string) string {
	for _, c := range norm.NFC.String(text) {
		letters := norm.NFKD.String(string(c))
		switch {
		case c < unicode.MaxASCII, strings.ContainsRune(accented, unicode.ToLower(c)):
		case unicode.In(c, unicode.Cf, unicode.Co, unicode.M, unicode.Zl, unicode.Zp):
			return "something in characters that are not seen"
		case strings.ContainsFunc(letters, unicode.IsLetter), c >= 0x1f100 && c <= 0x1f1ff: // signs of letters, like a squared FREE
			return "something in letters that are not checked"
		}
	}
	return ""
}

// sentences returns the sentences of a text. It ends one only before a capital letter, so
// that an abbreviation does not cut it, and at an empty line.
func sentences(text string) (list []string) {
	text = norm.NFC.String(text)
	from := 0
	for _, end := range sentenceEnd.FindAllStringIndex(text, -1) {
		next := strings.TrimLeftFunc(text[end[1]:], unicode.IsPunct)
		if emptyLine.MatchString(text[end[0]:end[1]]) || strings.IndexFunc(next, unicode.IsUpper) == 0 {
			list, from = append(list, text[from:end[1]]), end[1]
		}
	}
	return append(list, text[from:])
}

var (
	sentenceEnd = regexp.MustCompile(`[.!?…]+["'”’»)\]]*\s+|\n\s*\n`)
	emptyLine   = regexp.MustCompile(`\n\s*\n`)
)

// same returns a sentence as it is compared with others: without the differences that do not
// change what it says.
func same(sentence string) string {
	return strings.TrimRight(strings.ToLower(strings.Join(strings.Fields(norm.NFC.String(sentence)), " ")), ".!")
}

// folded returns a text in small letters without accents and underscores, which are parts of words.
func folded(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Mn, c) {
			return -1
		}
		return unicode.ToLower(c)
	}, norm.NFKD.String(text))
	return ligatures.Replace(text)
}

var ligatures = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "’", "'", "_", " ")
