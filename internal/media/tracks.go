package media

import (
	"io"
	"slices"
)

// A file of the video formats may hold only sound, or a video track that got no
// pictures. This file finds those that certainly have no picture. Whatever is unclear
// counts as a picture.

// pictureless are the handlers of the tracks of a movie that show no picture: sound,
// subtitles, captions, chapters, time codes, hints and notes.
var pictureless = []string{"soun", "text", "sbtl", "subt", "clcp", "tmcd", "hint", "meta", "mdta", "fdsm", "odsm", "sdsm", "ocsm", "ipsm", "m7sm", "mjsm", "data"}

// open begins a track of the index.
func (m *fragmented) open() {
	m.track = &track{}
	m.index = append(m.index, m.track)
}

// identify makes the current track the one with the id. Defaults for its fragments may
// have been stated before.
func (m *fragmented) identify(id uint32) {
	if earlier := m.tracks[id]; earlier != nil {
		m.track.sample = earlier.sample
	}
	m.tracks[id] = m.track
}

// describe reads the boxes that state the kind of a track and the number of its samples.
func (t *track) describe(name string, body []byte) {
	switch {
	case len(body) < 12:
	case name == "hdlr" && string(body[4:8]) != "dhlr": // QuickTime has a second one, for where the data are
		t.handler = string(body[8:12])
	case name == "stsz", name == "stz2":
		t.counted = true
		t.samples += uint64(field(body, 8))
	}
}

// mayShow reports whether the track may have a picture.
func (t *track) mayShow() bool {
	return !slices.Contains(pictureless, t.handler) && (!t.counted || t.samples > 0)
}

// dark reports whether none of the tracks of the index has a picture. It needs an index
// and fragments that were read to their ends.
func (m *fragmented) dark() bool {
	return len(m.index) > 0 && !slices.ContainsFunc(m.index, (*track).mayShow)
}

// The ids of the elements of tracks and frames.
const (
	idNumber = 0xD7
	idType   = 0x83
	idFrames = 0xA1 // inside a group
)

// darkWebM reports whether a WebM certainly has no picture: no track of pictures, or no
// frame of one.
func darkWebM(f io.ReaderAt, size int64) bool {
	shown, known := pictureTracks(&elements{f: f}, size)
	if !known {
		return false
	}
	if len(shown) == 0 {
		return true
	}
	found := false
	e := &elements{f: f}
	complete := e.flat(size, func(id, start, _ int64) bool {
		if id == idBlock || id == idFrames {
			number, _, err := e.number(start, true)
			found = err != nil || slices.Contains(shown, uint64(number))
		}
		return !found
	})
	return complete && !found
}

// pictureTracks returns the numbers of the tracks that show pictures. known is false if
// there are no tracks, or if a track does not state what it is.
func pictureTracks(e *elements, size int64) (shown []uint64, known bool) {
	type entry struct{ number, kind uint64 }
	var entries []entry
	var tracksEnd int64
	complete := e.flat(size, func(id, start, end int64) bool {
		if tracksEnd > 0 && start > tracksEnd {
			return false
		}
		switch {
		case id == idTracks:
			tracksEnd = end
		case id == idTrack:
			entries = append(entries, entry{})
		case len(entries) == 0:
		case id == idVideo:
			entries[len(entries)-1].kind = 1
		case id == idNumber:
			entries[len(entries)-1].number, _, _ = e.value(start, end)
		case id == idType && entries[len(entries)-1].kind == 0:
			entries[len(entries)-1].kind, _, _ = e.value(start, end)
		}
		return true
	})
	for _, t := range entries {
		switch t.kind {
		case 0:
			return nil, false
		case 1, 3: // a video, or several kinds in one
			shown = append(shown, t.number)
		}
	}
	return shown, len(entries) > 0 && complete
}

// flat visits the elements of a WebM in their order, and looks into those that hold
// tracks and frames, until visit returns false. complete is false if something could not
// be read, or if there are too many elements.
func (e *elements) flat(size int64, visit func(id, start, end int64) bool) (complete bool) {
	for at := int64(0); at < size; {
		next, err := e.head(at)
		if err != nil {
			return false
		}
		end := next.start + next.size
		if next.size < 0 || end > size {
			end = size
		}
		if !visit(next.id, next.start, end) {
			return true
		}
		switch next.id {
		case idSegment:
			at, size = next.start, end // anything after it was appended
		case idTracks, idTrack, idCluster, idGroup:
			at = next.start
		default:
			at = end
		}
	}
	return true
}
