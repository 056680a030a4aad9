package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"atelierd/internal/secret"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3 is a bucket of an S3-compatible store.
type S3 struct {
	Endpoint string // a URL without a path
	Bucket   string
	Region   string
	// Prefix is put before each key. It is empty, or ends in a slash.
	Prefix string
	// Keys returns the access key and its secret.
	Keys func() (access, key secret.Text, err error)
	// Transport carries the requests; nil is the network.
	Transport http.RoundTripper
}

// client returns a client with the keys as they are now.
func (s S3) client() (minio.Core, error) {
	u, err := url.Parse(s.Endpoint)
	if err != nil {
		return minio.Core{}, &Error{Err: fmt.Errorf("endpoint: %w", err), lasting: true}
	}
	access, key, err := s.Keys()
	if err != nil {
		return minio.Core{}, &Error{Err: err, Hint: "set the variable and restart", lasting: true}
	}
	c, err := minio.NewCore(u.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(access.Reveal(), key.Reveal(), ""),
		Secure: u.Scheme == "https", Region: s.Region, Transport: s.transport(),
		MaxRetries: 1, // Publish tries again, with the file opened again
	})
	if err != nil {
		return minio.Core{}, &Error{Err: err, lasting: true}
	}
	return *c, nil
}

func (s S3) transport() http.RoundTripper {
	if s.Transport != nil {
		return s.Transport
	}
	return network
}

// network is used by all buckets, so that connections are.
var network = func() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression, t.ResponseHeaderTimeout = true, time.Minute
	return t
}()

// Put implements Backend. The checksum of the file is part of the signed request, so that the
// store refuses a file that was damaged on the way. The file is sent in one request, in
// constant memory.
func (s S3) Put(ctx context.Context, f File) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	// Only the reader of it: minio-go closes what it can.
	body := struct{ io.Reader }{&stoppable{ctx, in}}
	_, err = c.PutObject(ctx, s.Bucket, s.Prefix+f.Key, body, f.Size, "", f.SHA256, minio.PutObjectOptions{
		ContentType: f.MIME, ContentDisposition: disposition(f),
		DisableContentSha256: true, // it is given, and not computed a second time in parts
	})
	return s.failed(err)
}

// disposition lets browsers show pictures and videos, and save everything else: a page
// would run its scripts at the owner's address.
func disposition(f File) string {
	how := "attachment"
	if strings.HasPrefix(f.MIME, "image/") || strings.HasPrefix(f.MIME, "video/") {
		how = "inline"
	}
	return mime.FormatMediaType(how, map[string]string{"filename": f.Name})
}

// Remove implements Backend.
func (s S3) Remove(ctx context.Context, key string) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	return s.failed(c.RemoveObject(ctx, s.Bucket, s.Prefix+key, minio.RemoveObjectOptions{}))
}

// s3Hints are what to do about what a store answers. None of them passes by itself.
var s3Hints = map[string]string{
	"AccessDenied":          "give the access key the right to put and delete objects in the bucket",
	"NoSuchBucket":          "create the bucket, or correct storage.bucket",
	"InvalidAccessKeyId":    "correct the variable that storage.access_key_env names",
	"SignatureDoesNotMatch": "correct the variable that storage.secret_key_env names",
	"RequestTimeTooSkewed":  "set the clock of this machine; it differs from the store's",
	"InvalidBucketName":     "correct storage.bucket",

	"AuthorizationHeaderMalformed": "correct storage.region",
}

// failed describes a failure without what the store wrote beside its code and message.
func (s S3) failed(err error) error {
	if err == nil {
		return nil
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return &Error{Err: fmt.Errorf("the bucket %s: %w", s.Bucket, err)}
	}
	hint, lasting := s3Hints[answer.Code]
	return &Error{Err: fmt.Errorf("the bucket %s: %.40s: %.200s", s.Bucket, answer.Code, answer.Message), Hint: hint, lasting: lasting}
}
