/* What msgbuf.c may know of a queue: it walks one without taking it apart. */
#ifndef IBUFQ_H
#define IBUFQ_H

struct ibufqueue {
	struct ibuf  *first;
	struct ibuf **tail;     /* the next pointer that the next buffer goes into */
	uint32_t      count;
};

void ibufq_init(struct ibufqueue *);

#endif
