package store

import (
	"errors"
	"strings"
	"testing"

	"atelierd/internal/order"
)

func TestAnOrderIsFoundByTheBeginningOrTheEndOfItsID(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	paid(t, s, "abc", "abcd", "abx", "q_%", "ord_1_red_fox", "ord_2_red_fox", "red_fox", "ord_ümläut", "aXredfox")
	for text, want := range map[string]string{
		"abc": "abc", "abcd": "abcd", "abx": "abx", "q": "q_%", "q_": "q_%",
		"1_red_fox": "ord_1_red_fox", "ord_2": "ord_2_red_fox", "red_fox": "red_fox", "ümläut": "ord_ümläut", "redfox": "aXredfox", "…1_red_fox": "ord_1_red_fox",
	} {
		if id, err := s.Resolve(t.Context(), text); err != nil || id != want {
			t.Errorf("Resolve(%q) = %q, %v; want %q", text, id, err, want)
		}
	}
	for text, named := range map[string][]string{
		"ab":     {`"abc"`, `"abcd"`, `"abx"`},
		"ed_fox": {`"ord_1_red_fox"`, `"ord_2_red_fox"`, `"red_fox"`},
	} {
		_, err := s.Resolve(t.Context(), text)
		if !errors.Is(err, ErrAmbiguous) {
			t.Errorf("Resolve(%q): %v, want ErrAmbiguous", text, err)
			continue
		}
		for _, id := range named {
			if !strings.Contains(err.Error(), id) {
				t.Errorf("%v does not name %s", err, id)
			}
		}
	}
	// The last one is an end of five characters.
	for _, text := range []string{"", "z", "%", "_bc", "%_red_fox", "1_RED_FOX", "xord_1_red_fox", "d_fox"} {
		if _, err := s.Resolve(t.Context(), text); !errors.Is(err, ErrNotFound) {
			t.Errorf("Resolve(%q): %v, want ErrNotFound", text, err)
		}
	}
}

func TestAClaimedBountyIsFoundByTheEndOfItsID(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	for _, id := range []string{"bty_1_poster", "bty_2_poster", "b9"} {
		if err := s.IntendClaim(order.Claim{Bounty: order.Bounty{ID: id, Budget: order.Dollar}, Service: "Images"}); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{"1_poster": "bty_1_poster", "…1_poster": "bty_1_poster", "bty_2_poster": "bty_2_poster", "b9": "b9"} {
		if id, err := s.ResolveBounty(t.Context(), text); err != nil || id != want {
			t.Errorf("ResolveBounty(%q) = %q, %v; want %q", text, id, err, want)
		}
	}
	if _, err := s.ResolveBounty(t.Context(), "poster"); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("an end of two: %v, want ErrAmbiguous", err)
	}
	for _, text := range []string{"", "oster", "9"} {
		if _, err := s.ResolveBounty(t.Context(), text); !errors.Is(err, ErrNoBounty) {
			t.Errorf("ResolveBounty(%q): %v, want ErrNoBounty", text, err)
		}
	}
}

func TestAnEndOfAListedIDNamesIt(t *testing.T) {
	t.Parallel()
	ids := []string{"bty_1_poster", "bty_2_poster", "fox"}
	for text, want := range map[string]string{"…2_poster": "bty_2_poster", "fox": "fox"} {
		if id, err := Ending(ids, text); err != nil || id != want {
			t.Errorf("Ending(%q) = %q, %v; want %q", text, id, err, want)
		}
	}
	if _, err := Ending(ids, "ox"); !errors.Is(err, ErrNoBounty) {
		t.Errorf("a short end: %v, want ErrNoBounty", err)
	}
	if _, err := Ending(ids, "poster"); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("an end of two: %v, want ErrAmbiguous", err)
	}
}
