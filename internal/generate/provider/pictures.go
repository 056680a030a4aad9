package provider

import (
	"cmp"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"atelierd/internal/order"
)

// This file finds pictures in an answer of any shape, and reads base64 in every form.

// resultsIn returns the files in an output of any shape: its links or, if it has none,
// what is a picture or a video in base64.
func resultsIn(v any) []blob {
	if links := linksIn(v); len(links) > 0 {
		return linked(links).blobs
	}
	return codedIn(v)
}

// foundIn is resultsIn for a whole answer, which may name a link twice.
func foundIn(body []byte) []blob {
	seen := map[string]bool{}
	return slices.DeleteFunc(resultsIn(anyOf(body)), func(b blob) bool {
		again := b.link != "" && seen[b.link]
		seen[b.link] = true
		return again
	})
}

// leastBase64 is the length of the shortest text that is taken for a file.
const leastBase64 = 32

// codedIn returns the pictures and videos in base64 that an output holds anywhere.
func codedIn(v any) (list []blob) {
	switch v := v.(type) {
	case string:
		if len(v) < leastBase64 {
			return nil
		}
		b, err := fromBase64(v)
		kind, _, _ := strings.Cut(http.DetectContentType(b.data), "/")
		if err == nil && (kind == "image" || kind == "video") {
			return []blob{b}
		}
	case []any:
		for _, inner := range v {
			list = append(list, codedIn(inner)...)
		}
	case map[string]any:
		for _, name := range slices.SortedFunc(maps.Keys(v), byNumber) {
			if !slices.Contains(notResults, strings.ToLower(name)) {
				list = append(list, codedIn(v[name])...)
			}
		}
	}
	return list
}

// fromBase64 decodes a picture of an answer, which may be a data: address: in either
// alphabet, with or without padding and white space.
func fromBase64(s string) (blob, error) {
	coded, content, ok := dataAddress(strings.TrimSpace(s))
	if !ok {
		return blob{}, badPicture()
	}
	if !coded {
		return blob{data: []byte(content)}, nil
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(plainBase64.Replace(content), "="))
	if err != nil {
		return blob{}, badPicture()
	}
	return blob{data: b}, nil
}

func badPicture() *order.Failure {
	return order.Failf(order.Hold, order.CodeBadAnswer, "the provider's picture is not valid base64").
		WithHint("%s makes another call, which is paid for", retryCommand)
}

// dataAddress returns the content of a data: address, and whether it is base64. Any
// other text is base64 itself. It is not ok when the address has no content.
func dataAddress(s string) (coded bool, content string, ok bool) {
	scheme, rest, is := strings.Cut(s, ":")
	if !is || !strings.EqualFold(scheme, "data") {
		return true, s, true
	}
	head, content, ok := strings.Cut(rest, ",")
	if strings.Contains(content, "%") {
		if plain, err := url.PathUnescape(content); err == nil {
			content = plain
		}
	}
	return strings.HasSuffix(strings.ToLower(strings.TrimSpace(head)), ";base64"), content, ok
}

// plainBase64 replaces the URL-safe alphabet, and drops white space.
var plainBase64 = strings.NewReplacer("-", "+", "_", "/", " ", "", "\t", "", "\r", "", "\n", "")

// pictureIn returns the file in an entry of a list: base64, a link, or a table with
// either. It is nil if the entry holds none.
func pictureIn(v any) (*blob, error) {
	switch v := v.(type) {
	case string:
		if at := link(v); at != "" {
			return &blob{link: at}, nil
		}
		if strings.TrimSpace(v) == "" {
			return nil, nil
		}
		b, err := fromBase64(v)
		if err != nil {
			return nil, err
		}
		return &b, nil
	case map[string]any:
		var wrong error
		for _, name := range []string{"b64_json", "b64", "base64", "image_base64", "url", "image_url", "image"} {
			b, err := pictureIn(v[name])
			if b != nil && err == nil {
				return b, nil
			}
			wrong = cmp.Or(wrong, err)
		}
		if list := resultsIn(v); len(list) > 0 {
			return &list[0], nil
		}
		return nil, wrong
	}
	return nil, nil
}

// picturesIn returns the files of a list. An entry that cannot be read is left out if
// another can.
func picturesIn(v any) (list []blob, err error) {
	entries, ok := v.([]any)
	if !ok {
		entries = []any{v}
	}
	for _, entry := range entries {
		b, bad := pictureIn(entry)
		switch {
		case bad != nil:
			err = bad
		case b != nil && (b.link != "" || len(b.data) > 0):
			list = append(list, *b)
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	return nil, err
}
