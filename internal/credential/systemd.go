package credential

import (
	"os"
	"path/filepath"

	"atelierd/internal/secret"
)

// EnvFolder is the variable by which systemd names the folder with the credentials of a
// service. Only the service can read them. Their modes differ between versions of systemd,
// so they are not checked.
const EnvFolder = "CREDENTIALS_DIRECTORY"

// Loaded reports whether systemd has put a credential into the folder.
func Loaded(folder, name string) bool {
	_, err := os.Stat(filepath.Join(folder, name))
	return folder != "" && err == nil
}

// ReadCredential reads a secret that systemd has put into the folder. Its errors are
// *Error and never quote the file.
func ReadCredential(folder, name string) (secret.Text, error) {
	if err := loaded(folder, name); err != nil {
		return secret.Text{}, err
	}
	return ReadSecret(filepath.Join(folder, name), folder)
}

// loaded returns an *Error if systemd has not put a credential into the folder.
func loaded(folder, name string) error {
	switch {
	case folder == "":
		return failf("systemd sets it for a service whose unit has a line LoadCredential="+name+":FILE; for a command that needs the secret, "+
			"set "+EnvFolder+"=/run/credentials/atelierd.service", "the credential %s cannot be read: %s is not set", name, EnvFolder)
	case !Loaded(folder, name):
		return failf("add LoadCredential="+name+":FILE with `sudo systemctl edit atelierd`, then run `sudo systemctl restart atelierd`",
			"there is no credential %s in %s", name, folder)
	}
	return nil
}
