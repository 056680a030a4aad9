package media

import (
	"bufio"
	"encoding/binary"
	"io"
	"math/bits"
	"time"
)

// fragmented adds up the duration of a fragmented movie. Many of them, such as
// those of ffmpeg, do not state it anywhere.
type fragmented struct {
	tracks map[uint32]*track
	index  []*track // the tracks of the index
	track  *track   // the current one
	sample uint32   // ticks of a sample of this fragment, unless its run states them
	table  bufio.Reader
}

type track struct {
	handler string // of the kind of its samples
	counted bool   // samples is known
	samples uint64
	picture bool   // it has a size
	scale   uint32 // ticks in a second
	sample  uint32 // ticks of a sample, unless its fragment states them
	end     uint64 // ticks up to the end of the last fragment
}

// begin makes the track with the id the current one.
func (m *fragmented) begin(id uint32) {
	if m.tracks == nil {
		m.tracks = map[uint32]*track{}
	}
	if m.tracks[id] == nil {
		m.tracks[id] = &track{}
	}
	m.track = m.tracks[id]
}

// fragment reads the boxes that state the start and the duration of a fragment.
func (m *fragmented) fragment(f io.ReaderAt, h boxHead, body []byte) error {
	flags := field(body, 0)
	switch h.name {
	case "trex":
		m.begin(field(body, 4))
		m.track.sample = field(body, 12)
	case "tfhd":
		m.begin(field(body, 4))
		m.sample = m.track.sample
		if flags&0x8 != 0 { // after two optional fields
			m.sample = field(body, 8+8*int(flags&0x1)+4*int(flags&0x2>>1))
		}
	case "tfdt":
		m.track.end = moment(body, 4)
	case "trun":
		m.track.samples += uint64(field(body, 4))
		return m.run(f, h, flags, field(body, 4))
	}
	return nil
}

// run adds the samples of a run. Each has a row of its own, or the default duration.
func (m *fragmented) run(f io.ReaderAt, h boxHead, flags, count uint32) error {
	if flags&0x100 == 0 {
		m.track.end += uint64(count) * uint64(m.sample)
		return nil
	}
	rows := h.start + 8 + 4*int64(bits.OnesCount32(flags&0x5))
	m.table.Reset(io.NewSectionReader(f, rows, h.end-rows))
	var row [16]byte
	for range count {
		if _, err := io.ReadFull(&m.table, row[:4*bits.OnesCount32(flags&0xf00)]); err != nil {
			return err
		}
		m.track.end += uint64(binary.BigEndian.Uint32(row[:]))
	}
	return nil
}

// fragments returns the duration of the video track, or 0 without fragments. It
// ignores sound, which is often padded and longer than what a player plays.
func (m *fragmented) fragments() (d time.Duration) {
	for _, t := range m.tracks {
		if t.picture {
			d = max(d, ratio(t.end, t.scale))
		}
	}
	return d
}
