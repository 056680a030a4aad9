package media

import "strings"

const maxBase = 60

// Name returns a file name that is safe on every system and in every URL. It is base
// in lower-case letters, digits and hyphens, cut to 60 characters, with the extension
// for mime. A type that Inspect does not accept gets ".bin".
func Name(base, mime string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(base) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
		if b.Len() >= maxBase {
			break
		}
	}
	name := strings.TrimRight(b.String(), "-")
	if name == "" {
		name = "file"
	}
	return name + extension(mime)
}

func extension(mime string) string {
	switch mime {
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	case "image/webp":
		return ".webp"
	case "image/gif":
		return ".gif"
	case "video/mp4":
		return ".mp4"
	case "video/webm":
		return ".webm"
	case "video/quicktime":
		return ".mov"
	case "application/pdf":
		return ".pdf"
	case "application/zip":
		return ".zip"
	}
	for _, ext := range []string{".txt", ".md", ".html", ".csv", ".json", ".js", ".py"} {
		if textTypes[ext] == mime {
			return ext
		}
	}
	return ".bin"
}
