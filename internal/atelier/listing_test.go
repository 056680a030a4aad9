package atelier

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"atelierd/internal/order"
)

// large is an order of that many bytes or more, with its short fields around the long
// one.
func large(id string, size int) string {
	return fmt.Sprintf(`{"id":%q,"brief":"%s","status":"paid","service_title":"Pictures"}`, id, strings.Repeat("x", size))
}

func TestAnOrderOverTheLimitKeepsWhatIsShort(t *testing.T) {
	t.Parallel()
	listing, err := ask(t, "["+large("a", rowLimit)+","+large("b", rowLimit-1000)+`,{"brief":"`+strings.Repeat("x", rowLimit)+`"}]`)
	if err != nil || len(listing.Orders) != 2 || len(listing.Bad) != 1 {
		t.Fatalf("%d orders, %d bad, %v", len(listing.Orders), len(listing.Bad), err)
	}
	a, b := listing.Orders[0], listing.Orders[1]
	if !a.TooLarge || a.ID != "a" || a.Status != order.Paid || a.ServiceTitle != "Pictures" || a.Brief != "" || len(a.Raw) > 1000 {
		t.Errorf("over the limit: %.300v", a)
	}
	if b.TooLarge || len(b.Brief) != rowLimit-1000 {
		t.Errorf("within the limit: too large %v, brief of %d", b.TooLarge, len(b.Brief))
	}
	if reason := listing.Bad[0].Reason; reason != "it has more than 1 MiB, and it has no id" {
		t.Errorf("reason %q", reason)
	}
}

func TestManyShortFieldsCannotHideTheEssentialOnes(t *testing.T) {
	t.Parallel()
	var row strings.Builder
	row.WriteString("{")
	for i := range 2 * rowLimit / 20 {
		fmt.Fprintf(&row, `"field_%08d":"x",`, i)
	}
	row.WriteString(`"status":"paid","id":"a"}`)
	listing, err := ask(t, "["+row.String()+"]")
	if err != nil || len(listing.Orders) != 1 || !listing.Orders[0].TooLarge || listing.Orders[0].Status != order.Paid {
		t.Fatalf("%d orders, %d bad, %v", len(listing.Orders), len(listing.Bad), err)
	}
	if n := len(listing.Orders[0].Raw); n > rowLimit+essentialRoom {
		t.Errorf("%d bytes are kept", n)
	}
}

func TestALookAcceptsWhatAPollAccepts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data     string
		tooLarge bool
		shown    order.Shown
	}{
		"within the limit": {`{"order":` + large("a", rowLimit-1000) + `,"deliverables":[]}`, false, order.ShownNone},
		"over the limit":   {`{"order":` + large("a", rowLimit) + `,"deliverables":[]}`, true, order.ShownUnknown},
		"alone, over it":   {large("a", rowLimit), true, order.ShownUnknown},
		"over both limits": {`{"order":` + large("a", 60<<20) + `,"deliverables":[{"url":"u"}]}`, true, order.ShownFiles},
		"long list":        {`{"order":{"id":"a","status":"paid"},"deliverables":["` + strings.Repeat("x", oneLimit) + `"]}`, false, order.ShownUnknown},
	} {
		s, _ := serve(t, answer(200, `{"success":true,"data":`+c.data+`}`))
		client, _ := client(t, s.URL)
		facts, err := client.Order(t.Context(), "a")
		if err != nil || facts.TooLarge != c.tooLarge || facts.Shown != c.shown || facts.Status != order.Paid {
			t.Errorf("%s: too large %v, shown %q, status %q, %v", name, facts.TooLarge, facts.Shown, facts.Status, err)
		}
	}
}

func TestALongListingComesInParts(t *testing.T) {
	t.Parallel()
	var body strings.Builder
	body.WriteString(`{"success":true,"data":[`)
	const orders = 2*partRows + 1
	for i := range orders {
		fmt.Fprintf(&body, `{"id":"o%d","status":"paid"},`, i)
	}
	text := strings.TrimSuffix(body.String(), ",")
	var parts []int
	read := func(text string) error {
		parts = nil
		return readListing(iotest.HalfReader(strings.NewReader(text)), ordersLimit, func(l order.Listing) error {
			parts = append(parts, len(l.Orders))
			if l.More != (len(parts) < 3) {
				t.Errorf("part %d: more is %v", len(parts), l.More)
			}
			return nil
		})
	}
	if err := read(text + "]}"); err != nil || fmt.Sprint(parts) != fmt.Sprint([]int{partRows, partRows, 1}) {
		t.Errorf("parts of %v, %v", parts, err)
	}
	if err := read(text); !errors.Is(err, io.ErrUnexpectedEOF) || len(parts) != 2 {
		t.Errorf("cut short: parts of %v, %v", parts, err)
	}
}

func TestAnErrorOfTheTakerIsReturnedAsItIs(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, answer(200, `{"success":true,"data":[]}`))
	c, _ := client(t, s.URL)
	full := errors.New("the database is full")
	if err := c.OrdersInParts(t.Context(), nil, func(order.Listing) error { return full }); err != full { //nolint:errorlint // the same one
		t.Errorf("error %v", err)
	}
}

func TestHostileListsAreReadInLinearTime(t *testing.T) {
	t.Parallel()
	var urls []string
	for i := range 100_000 {
		urls = append(urls, fmt.Sprintf("u%d", i))
	}
	list, err := json.Marshal(urls)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	listing, err := ask(t, `[{"id":"a","status":"paid","deliverables":`+string(list)+`}]`)
	if err != nil || len(listing.Orders) != 1 || len(listing.Orders[0].Deliverables) != len(urls) {
		t.Fatalf("%d orders, %d bad, %v", len(listing.Orders), len(listing.Bad), err)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("it took %s", d)
	}
}

func TestBlanksAreNotKept(t *testing.T) {
	t.Parallel()
	blanks := strings.Repeat(" \n\t", 1<<20)
	body := blanks + `{"success"` + blanks + `:true,"data":[` + blanks + `{"id":"a",` + blanks + `"status":"paid","brief":"a  b","x":[1,` + blanks + `2]}` + blanks + `]}` + blanks
	listing, err := readAll(strings.NewReader(body), ordersLimit)
	if err != nil || len(listing.Orders) != 1 {
		t.Fatalf("%d orders, %v", len(listing.Orders), err)
	}
	if raw := string(listing.Orders[0].Raw); raw != `{"id":"a","status":"paid","brief":"a  b","x":[1, 2]}` {
		t.Errorf("kept %.200s", raw)
	}
}

func TestAThreadOverTheLimitIsHeldWithItsReason(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, answer(200, `{"success":true,"data":["`+strings.Repeat("x", threadLimit)+`"]}`))
	c, _ := client(t, s.URL)
	_, err := c.Messages(t.Context(), "ord_1")
	f, ok := errors.AsType[*order.Failure](err)
	if !ok || f.Class != order.Hold || f.Code != order.CodeThreadTooLarge || !strings.Contains(f.Hint, "orders retry ord_1") {
		t.Errorf("%+v", f)
	}
}

func TestOnlyTheFirstMessagesOfAnEndlessThreadAreRead(t *testing.T) {
	t.Parallel()
	text := strings.Repeat(`{"content":"x"},`, 10*mostMessages)
	s, _ := serve(t, answer(200, `{"success":true,"data":[`+strings.TrimSuffix(text, ",")+`]}`))
	c, _ := client(t, s.URL)
	if list, err := c.Messages(t.Context(), "ord_1"); err != nil || len(list) != mostMessages {
		t.Errorf("%d messages, %v", len(list), err)
	}
}

func TestADeliveryIsConfirmedByAnAnswerOfAnyLength(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, answer(200, `{"success":true,"data":`+large("ord_1", 3*rowLimit)+`}`))
	c, _ := client(t, s.URL)
	if err := c.Deliver(t.Context(), "ord_1", onePiece); err != nil {
		t.Error(err)
	}
}
