package storage_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // an ETag is one
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Keys that the bucket knows.
const (
	accessKey = "AKIDEXAMPLE"
	secretKey = "wJalrXUtnFEMI-not-a-real-key"
)

type object struct {
	body        []byte
	contentType string
	disposition string
}

// bucket is a store of one bucket, which speaks as much of S3 as is published about PUT,
// GET and DELETE, and verifies signatures of version 4. Everybody may read.
type bucket struct {
	mu      sync.Mutex
	objects map[string]object
	puts    []string // the keys in the order of the puts that were whole

	// fault, if not nil, answers in place of the store. It returns false to let it.
	fault func(w http.ResponseWriter, r *http.Request) bool
	// region and ahead are what the store has instead of us-east-1 and this clock.
	region string
	ahead  time.Duration
	// spoil changes what is stored.
	spoil func([]byte) []byte
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	fault := b.fault
	b.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	if !receive(r) {
		return
	}
	key, found := strings.CutPrefix(r.URL.Path, "/files/")
	switch {
	case !found:
		s3Error(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	case r.Method == http.MethodGet && r.Header.Get("Authorization") == "":
		b.get(w, key)
	case !b.signed(w, r):
	case r.Method == http.MethodPut:
		b.put(w, r, key)
	case r.Method == http.MethodDelete:
		b.mu.Lock()
		delete(b.objects, key)
		b.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		s3Error(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "no")
	}
}

// receive reads the body before the answer is written. Of an answer that comes sooner a
// client may see only that its connection was closed, and asks again. It reports whether
// the body was whole.
func receive(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil
}

func (b *bucket) get(w http.ResponseWriter, key string) {
	b.mu.Lock()
	o, there := b.objects[key]
	b.mu.Unlock()
	if !there {
		s3Error(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	w.Header().Set("Content-Type", o.contentType)
	w.Header().Set("Content-Disposition", o.disposition)
	_, _ = w.Write(o.body)
}

func (b *bucket) put(w http.ResponseWriter, r *http.Request, key string) {
	body, _ := io.ReadAll(r.Body) // whole, see receive
	if sum := sha256.Sum256(body); r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]) {
		s3Error(w, http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided header does not match what was computed.")
		return
	}
	if b.spoil != nil {
		body = b.spoil(body)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key] = object{body, r.Header.Get("Content-Type"), r.Header.Get("Content-Disposition")}
	b.puts = append(b.puts, key)
	w.Header().Set("ETag", fmt.Sprintf(`"%x"`, md5.Sum(body))) //nolint:gosec // an ETag is one
}

func (b *bucket) stored() (list []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.objects {
		list = append(list, key)
	}
	return list
}

func s3Error(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message><RequestId>1</RequestId></Error>`, code, message)
}

// signed verifies a signature of version 4 as AWS describes it.
func (b *bucket) signed(w http.ResponseWriter, r *http.Request) bool {
	fields, found := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !found {
		s3Error(w, http.StatusForbidden, "AccessDenied", "Access Denied")
		return false
	}
	part := map[string]string{}
	for f := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(f), "=")
		part[name] = value
	}
	scope := strings.Split(part["Credential"], "/") // key, day, region, s3, aws4_request
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	region := b.region
	if region == "" {
		region = "us-east-1"
	}
	switch {
	case len(scope) != 5 || scope[0] != accessKey:
		s3Error(w, http.StatusForbidden, "InvalidAccessKeyId", "The access key does not exist.")
		return false
	case err != nil || time.Now().Add(b.ahead).Sub(at).Abs() > 15*time.Minute:
		s3Error(w, http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
		return false
	case scope[2] != region:
		s3Error(w, http.StatusBadRequest, "AuthorizationHeaderMalformed", "the region is wrong; expecting "+region)
		return false
	}
	if want := signature(r, scope, strings.Split(part["SignedHeaders"], ";")); !hmac.Equal([]byte(want), []byte(part["Signature"])) {
		s3Error(w, http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
		return false
	}
	return true
}

func signature(r *http.Request, scope, signed []string) string {
	var headers strings.Builder
	for _, name := range slices.Sorted(slices.Values(signed)) {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	canonical := strings.Join([]string{
		r.Method, r.URL.EscapedPath(), strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20"), headers.String(),
		strings.Join(signed, ";"), r.Header.Get("X-Amz-Content-Sha256"),
	}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), strings.Join(scope[1:], "/"), hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + secretKey)
	for _, part := range append(slices.Clone(scope[1:]), text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}
