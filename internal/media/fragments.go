package media

import (
	"bufio"
	"encoding/binary"
	"io"
	"math/bits"
	"time"
)

// fragmented adds up how long a movie in fragments takes, because many of them
// (ffmpeg's are) tell it nowhere.
type fragmented struct {
	tracks map[uint32]*track
	track  *track // the one that is walked
	sample uint32 // ticks of a sample of this fragment, if its run does not tell
	table  bufio.Reader
}

type track struct {
	picture bool
	scale   uint32 // ticks in a second
	sample  uint32 // ticks of a sample, if its fragment does not tell
	end     uint64 // ticks, to the end of the last fragment
}

// begin makes the track of that id the one that is walked.
func (m *fragmented) begin(id uint32) {
	if m.tracks == nil {
		m.tracks = map[uint32]*track{}
	}
	if m.tracks[id] == nil {
		m.tracks[id] = &track{}
	}
	m.track = m.tracks[id]
}

// fragment reads the boxes that tell when a fragment begins and how long it takes.
func (m *fragmented) fragment(f io.ReaderAt, name string, body []byte, long bool, from, to int64) error {
	flags := field(body, 0)
	switch name {
	case "trex":
		m.begin(field(body, 4))
		m.track.sample = field(body, 12)
	case "tfhd":
		m.begin(field(body, 4))
		m.sample = m.track.sample
		if flags&0x8 != 0 { // behind two fields that may be absent
			m.sample = field(body, 8+8*int(flags&0x1)+4*int(flags&0x2>>1))
		}
	case "tfdt":
		m.track.end = moment(body, 4, long)
	case "trun":
		return m.run(f, flags, field(body, 4), from, to)
	}
	return nil
}

// run adds the samples of a run, of which a row each tells, or the default does.
func (m *fragmented) run(f io.ReaderAt, flags, count uint32, from, to int64) error {
	if flags&0x100 == 0 {
		m.track.end += uint64(count) * uint64(m.sample)
		return nil
	}
	from += 8 + 4*int64(bits.OnesCount32(flags&0x5))
	m.table.Reset(io.NewSectionReader(f, from, to-from))
	var row [16]byte
	for range count {
		if _, err := io.ReadFull(&m.table, row[:4*bits.OnesCount32(flags&0xf00)]); err != nil {
			return err
		}
		m.track.end += uint64(binary.BigEndian.Uint32(row[:]))
	}
	return nil
}

// fragments is how long the pictures go on by their fragments, 0 without any. The
// sound is often filled up, and a little longer than what a player plays.
func (m *fragmented) fragments() (d time.Duration) {
	for _, t := range m.tracks {
		if t.picture {
			d = max(d, ratio(t.end, t.scale))
		}
	}
	return d
}
