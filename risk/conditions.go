package risk

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
)

// conditions are the texts of conditions, compressed: they make up most of a
// rule set, are much alike, and nobody who assesses needs them.
type conditions []byte

// appendText puts a text behind others, in the form that is compressed.
func appendText(to []byte, text string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

// compress never fails: the level is one, and memory takes what it is given.
func compress(texts []byte) conditions {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(texts)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(fmt.Sprintf("conditions cannot be compressed: %v", err))
	}
	return bytes.Clone(out.Bytes())
}

// texts gives back the texts, n of them. It never fails either, as nobody else
// writes what it reads.
func (c conditions) texts(n int) []string {
	if n == 0 {
		return nil
	}
	data, err := io.ReadAll(flate.NewReader(bytes.NewReader(c)))
	if err != nil {
		panic(fmt.Sprintf("conditions cannot be read: %v", err))
	}
	out := make([]string, n)
	for i := range out {
		length, width := binary.Uvarint(data)
		out[i] = string(data[width : width+int(length)])
		data = data[width+int(length):]
	}
	return out
}
