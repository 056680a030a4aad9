package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"atelierd/internal/beat"
	"atelierd/internal/secret"
)

// email sends to a mailbox by SMTP.
type email struct {
	mail     Mail
	password func() (secret.Text, error)
	roots    *x509.CertPool // or nil for those of the system
}

// Send sends the message under a Message-ID made of its ID, so that a mailbox can show a
// repeated one once.
func (e email) Send(ctx context.Context, m Message) (string, error) {
	ctx, cancel := beat.Timeout(ctx, timeout)
	defer cancel()
	client, password, err := e.client()
	if err != nil {
		return "", err
	}
	letter, err := e.letter(m)
	if err != nil {
		return "", failf(Broken, "the mail cannot be written: %s", line(err.Error()))
	}
	if err := client.DialAndSendWithContext(ctx, letter); err != nil {
		return "", mailFailure(err, password)
	}
	return "", nil
}

func (e email) client() (*mail.Client, secret.Text, error) {
	host, text, err := net.SplitHostPort(e.mail.Server)
	port, wrong := strconv.Atoi(text)
	if err != nil || wrong != nil {
		return nil, secret.Text{}, failf(Broken, "%.80q is no host:port of a mail server", e.mail.Server)
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(timeout), mail.WithTLSConfig(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: e.roots})}
	switch {
	case e.mail.Plain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	case port == 465:
		options = append(options, mail.WithSSL())
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	var password secret.Text
	if e.mail.User != "" && e.password != nil {
		if password, err = e.password(); err != nil {
			return nil, password, failf(Broken, "the password is not known: %v", err)
		}
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(e.mail.User), mail.WithPassword(password.Reveal()))
	}
	client, err := mail.NewClient(host, options...)
	if err != nil {
		return nil, password, failf(Broken, "the mail server cannot be used: %s", line(err.Error()))
	}
	return client, password, nil
}

func (e email) letter(m Message) (*mail.Msg, error) {
	letter := mail.NewMsg()
	if err := errors.Join(letter.From(e.mail.From), letter.To(e.mail.To...)); err != nil {
		return nil, err
	}
	_, host, _ := strings.Cut(strings.TrimRight(e.mail.From, "> "), "@")
	letter.SetMessageIDWithValue(m.ID + "@" + host)
	letter.SetDateWithValue(m.At)
	letter.Subject(line(m.Title))
	if m.Urgent {
		letter.SetImportance(mail.ImportanceHigh)
	}
	letter.SetBodyString(mail.TypeTextPlain, strings.TrimSpace(m.Title+"\n\n"+m.Text)+"\n")
	return letter, nil
}

// mailFailure returns what an error of the mail server means. The password is removed,
// because a server may repeat what was sent.
func mailFailure(err error, password secret.Text) *Failure {
	text := err.Error()
	if !password.Empty() {
		text = secret.NewRedactor([]secret.Named{{Name: "the password", Text: password}}).Clean(text)
	}
	f := failf(Later, "%s", line(text))
	code := 0
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		code = reply.Code
	}
	if sent, ok := errors.AsType[*mail.SendError](err); ok && !sent.IsTemp() {
		code = max(code, sent.ErrorCode())
	}
	switch {
	case code == 530 || code == 534 || code == 535: // who sends is not believed
		f.Kind = Broken
	case code >= 500:
		f.Kind = Refused
	}
	return f
}
