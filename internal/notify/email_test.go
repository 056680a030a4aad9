package notify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailbox is a mail server with one user.
type mailbox struct {
	mu      sync.Mutex
	letters []string
	to      []string
	refuses error
}

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{m: m}, nil }

type session struct {
	m    *mailbox
	user bool
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "me" || password != "s3cr3t-password" {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "not with " + password}
		}
		s.user = true
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	if !s.user {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "log in first"}
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.to = append(s.m.to, to)
	return s.m.refuses
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.letters = append(s.m.letters, string(data))
	return err
}

func (*session) Reset()        {}
func (*session) Logout() error { return nil }

// serveMail runs the mail server and returns its address and the certificates that it is
// to be believed by.
func serveMail(t *testing.T, m *mailbox) (string, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sheet := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, sheet, sheet, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(m)
	server.Domain = "localhost"
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return listener.Addr().String(), pool
}

// mailTo returns a target that believes the certificates.
func mailTo(t *testing.T, m Mail, roots *x509.CertPool, password string) Target {
	t.Helper()
	return email{mail: m, password: known(password), roots: roots}
}

func TestEmailIsSentByTLSOnceForAnID(t *testing.T) {
	t.Parallel()
	m := &mailbox{}
	server, roots := serveMail(t, m)
	to := mailTo(t, Mail{Server: server, User: "me", From: "Agent <agent@example.com>", To: []string{"a@example.com", "b@example.com"}}, roots, "s3cr3t-password")
	long := hello
	long.Title = "1 order needs you: ünï"
	send(t, to, long)
	send(t, to, long)
	if len(m.letters) != 2 || strings.Join(m.to[:2], " ") != "a@example.com b@example.com" {
		t.Fatalf("%d letters to %v", len(m.letters), m.to)
	}
	first, err := mail.ReadMessage(strings.NewReader(m.letters[0]))
	if err != nil {
		t.Fatal(err)
	}
	second, err := mail.ReadMessage(strings.NewReader(m.letters[1]))
	if err != nil {
		t.Fatal(err)
	}
	if id := first.Header.Get("Message-ID"); id != "<notice-7@example.com>" || second.Header.Get("Message-ID") != id {
		t.Errorf("the letters are named %q and %q", id, second.Header.Get("Message-ID"))
	}
	subject := first.Header.Get("Subject")
	if body, _ := io.ReadAll(first.Body); !strings.Contains(string(body), "\r\n\r\norder ord_1: held <b>@everyone</b>") || !strings.HasPrefix(subject, "=?UTF-8?q?1_order_needs_you:_=C3=BCn=C3=AF?=") {
		t.Errorf("the letter is %q\n%q", subject, body)
	}
}

func TestWhatAMailServerMeans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		refuses  error
		password string
		roots    bool
		kind     Kind
	}{
		"a wrong password":        {nil, "wrong-s3cr3t", true, Broken},
		"an unknown mailbox":      {&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}, "s3cr3t-password", true, Refused},
		"greylisting":             {&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "try later"}, "s3cr3t-password", true, Later},
		"a certificate of others": {nil, "s3cr3t-password", false, Later},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &mailbox{refuses: c.refuses}
			server, roots := serveMail(t, m)
			if !c.roots {
				roots = x509.NewCertPool()
			}
			_, err := mailTo(t, Mail{Server: server, User: "me", From: "agent@example.com", To: []string{"a@example.com"}}, roots, c.password).Send(t.Context(), hello)
			f, ok := errors.AsType[*Failure](err)
			if !ok || f.Kind != c.kind || strings.Contains(f.Reason, "s3cr3t") {
				t.Errorf("the failure is %#v", err)
			}
			if len(m.letters) != 0 {
				t.Error("a letter was taken")
			}
		})
	}
}
