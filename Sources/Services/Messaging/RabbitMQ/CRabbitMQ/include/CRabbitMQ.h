// CRabbitMQ: librabbitmq as a codec of AMQP 0-9-1 frames. Its sockets are not used; they block.
#ifndef CONTOSO_CRABBITMQ_H
#define CONTOSO_CRABBITMQ_H

#include <amqp.h>
#include <amqp_framing.h>

#endif
