package main

import (
	"fmt"
	"html"
	"math"
	"os"
	"strings"
)

// Measures of the chart, in pixels.
const (
	chartLeft, chartWidth, chartRow, chartTop = 330, 470, 26, 44
)

// chart draws the rows' medians as bars on a logarithmic scale, and a line from
// each to its 99th percentile.
func (t *table) chart(file string) error {
	low, high := math.Inf(1), 0.0
	for _, r := range t.rows {
		low, high = min(low, r.times.min()), max(high, r.times.quantile(0.99))
	}
	low, high = math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high)))
	x := func(us float64) float64 {
		return chartLeft + chartWidth*math.Log(max(us, low)/low)/math.Log(high/low)
	}
	height := chartTop + chartRow*len(t.rows) + 14
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">`+"\n", chartLeft+chartWidth+90, height)
	fmt.Fprintf(&s, `<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	for us := low; us <= high*1.01; us *= 10 {
		at := math.Round(x(us))
		fmt.Fprintf(&s, `<line x1="%g" y1="%d" x2="%g" y2="%d" stroke="#ddd"/>`, at, chartTop-8, at, height-8)
		fmt.Fprintf(&s, `<text x="%g" y="%d" text-anchor="middle" fill="#555">%s</text>`+"\n", at, chartTop-16, duration(us))
	}
	for i, r := range t.rows {
		y := chartTop + chartRow*i
		colour := "#9aa5b1"
		if r.isolates == "every layer" {
			colour = "#c2410c"
		}
		p50, p99 := x(r.times.median()), x(r.times.quantile(0.99))
		fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", chartLeft-10, y+15, html.EscapeString(r.name))
		fmt.Fprintf(&s, `<rect x="%d" y="%d" width="%.0f" height="16" fill="%s"/>`, chartLeft, y+2, p50-chartLeft, colour)
		fmt.Fprintf(&s, `<line x1="%.0f" y1="%d" x2="%.0f" y2="%d" stroke="#333"/>`, p50, y+10, p99, y+10)
		fmt.Fprintf(&s, `<text x="%.0f" y="%d">%s</text>`+"\n", p99+6, y+15, duration(r.times.median()))
	}
	s.WriteString("</svg>\n")
	if err := os.WriteFile(file, []byte(s.String()), 0o644); err != nil {
		return fmt.Errorf("write chart: %w", err)
	}
	return nil
}

// duration is so many microseconds in words.
func duration(us float64) string {
	switch {
	case us < 1000:
		return fmt.Sprintf("%.0f us", us)
	case us < 1e6:
		return fmt.Sprintf("%.3g ms", us/1000)
	}
	return fmt.Sprintf("%.3g s", us/1e6)
}
