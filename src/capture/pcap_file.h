/*
 * pcap_file - the classic format (draft-ietf-opsawg-pcap): a header of 24 bytes, then records:
 *
 *   u32 seconds, u32 fraction, u32 captured length, u32 length on the wire, bytes
 *
 * in the byte order of the machine that wrote them; the "modified" format has 8 more bytes of record
 * header. A record header that cannot be one is passed over byte by byte until two plausible records
 * stand behind each other (or one, at the end of the file).
 */
#ifndef CAPTURE_PCAP_FILE_H
#define CAPTURE_PCAP_FILE_H

#include "capture/capture.h"
#include "capture/source.h"

struct pcap_file {
	bool big_endian;
	uint32_t link;
	uint32_t fraction_ns;  /* nanoseconds per unit of a record's fraction */
	uint32_t len_limit;    /* bytes of a frame */
	size_t header_len;     /* of a record */
	uint32_t last_seconds; /* time of the last record */
	bool lost;             /* passing over bytes in search of a record */
};

/* True if a pcap file starts with the four bytes of FIRST. */
bool pcap_file_detect(struct slice first);

/* Reads the file's header. ERR_PROTO, ERR_UNSUPPORTED, and what source_need() gives. */
enum err pcap_file_open(struct pcap_file *p, struct source *s, struct errinfo *info) MUST_CHECK;

/* As capture_next(); counts in *STATS what is damaged. */
enum err pcap_file_next(struct pcap_file *p, struct source *s, struct capture_stats *stats,
			struct frame *out, struct errinfo *info) MUST_CHECK;

#endif
