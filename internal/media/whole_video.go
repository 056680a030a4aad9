package media

import "errors"

// wholeMovie requires an index and data, and that no data and no start of a fragment
// extends past the end of the file. It requires nothing else.
func wholeMovie(b *boxes, size int64) error {
	var index, data bool
	for at := int64(0); at+8 <= size; {
		next, err := b.head(at, size)
		if errors.Is(err, errHeader) {
			break // not a box, so it was appended
		}
		if err != nil {
			return err
		}
		if next.end > size {
			switch next.name {
			case "moof", "mdat", "styp", "sidx":
				return errCut
			}
			break
		}
		switch next.name {
		case "moov":
			index = index || b.hasTrack(next.start, next.end)
		case "moof":
			index = true
		case "mdat", "imda":
			data = true
		}
		at = next.end
	}
	switch {
	case !index:
		return errCut
	case !data:
		return errHollow
	}
	return nil
}

// hasTrack reports whether an index has a track or is compressed as a whole.
func (b *boxes) hasTrack(from, to int64) bool {
	for from+8 <= to {
		next, err := b.head(from, to)
		if err != nil || next.end > to {
			return false
		}
		if next.name == "trak" || next.name == "cmov" {
			return true
		}
		from = next.end
	}
	return false
}

// wholeWebM requires tracks and frames, and that no frames extend past the end of the
// file. It looks into elements of unknown size, which live muxers write.
func wholeWebM(e *elements, size int64) error {
	var tracks, frames bool
	for at := int64(0); at < size; {
		next, err := e.head(at)
		if errors.Is(err, errHeader) {
			break // not an element
		}
		if err != nil {
			return err
		}
		id, start, n := next.id, next.start, next.size
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
			at, size = start, start+n // anything after it was appended
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
