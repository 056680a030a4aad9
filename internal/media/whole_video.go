package media

import "errors"

// wholeMovie wants an index and what it tells of, and that no data and no beginning
// of a fragment reaches beyond the end of the file. Nothing else is missed.
func wholeMovie(b *boxes, size int64) error {
	var index, data bool
	for at := int64(0); at+8 <= size; {
		name, start, n, err := b.head(at, size)
		if errors.Is(err, errHeader) {
			break // no box, but something that was appended
		}
		if err != nil {
			return err
		}
		if n > size-at {
			switch name {
			case "moof", "mdat", "styp", "sidx":
				return errCut
			}
			break
		}
		switch name {
		case "moov":
			index = index || b.hasTrack(start, at+n)
		case "moof":
			index = true
		case "mdat", "imda":
			data = true
		}
		at += n
	}
	switch {
	case !index:
		return errCut
	case !data:
		return errHollow
	}
	return nil
}

// hasTrack says whether an index has a track, or is compressed as a whole.
func (b *boxes) hasTrack(from, to int64) bool {
	for from+8 <= to {
		name, _, size, err := b.head(from, to)
		if err != nil || size > to-from {
			return false
		}
		if name == "trak" || name == "cmov" {
			return true
		}
		from += size
	}
	return false
}

// wholeWebM wants tracks and frames, and that no frames reach beyond the end of the
// file. What is of unknown size, as live muxers write it, is looked into.
func wholeWebM(e *elements, size int64) error {
	var tracks, frames bool
	for at := int64(0); at < size; {
		id, start, n, err := e.head(at)
		if errors.Is(err, errHeader) {
			break // no element
		}
		if err != nil {
			return err
		}
		if n > size-start {
			switch id {
			case idCluster, idGroup, idBlock:
				return errCut
			}
			break
		}
		tracks = tracks || id == idTracks
		frames = frames || id == idCluster
		switch {
		case n < 0:
			at = start
		case id == idSegment:
			at, size = start, start+n // what follows it was appended
		default:
			at = start + n
		}
	}
	switch {
	case !tracks:
		return errCut
	case !frames:
		return errHollow
	}
	return nil
}
