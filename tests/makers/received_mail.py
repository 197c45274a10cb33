"""A mail of ``shop.example`` as mailboxes show its headers: three large providers and a small host."""

from __future__ import annotations

OUR_IP = "192.0.2.25"

GMAIL = """Delivered-To: anna.reader@gmail.com
Received: by 2002:a05:6a10:1234:b0:5a1:2b3c:4d5e with SMTP id x1csp123456pxb;
        Mon, 23 Nov 2026 00:00:03 -0800 (PST)
X-Received: by 2002:a17:906:abcd:b0:1234 with SMTP id a1mr1;
        Mon, 23 Nov 2026 00:00:02 -0800 (PST)
ARC-Authentication-Results: i=1; mx.google.com;
       dkim=fail header.i=@forged.example
Return-Path: <hello@shop.example>
Received: from mail.shop.example (mail.shop.example. [192.0.2.25])
        by mx.google.com with ESMTPS id d2e1a72fcca58si123
        for <anna.reader@gmail.com>
        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);
        Mon, 23 Nov 2026 00:00:02 -0800 (PST)
Received-SPF: pass (google.com: domain of hello@shop.example designates 192.0.2.25 as permitted sender) client-ip=192.0.2.25;
Authentication-Results: mx.google.com;
       dkim=pass header.i=@shop.example header.s=lk1 header.b=AbCd1234;
       spf=pass (google.com: domain of hello@shop.example designates 192.0.2.25 as permitted sender) smtp.mailfrom=hello@shop.example;
       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from=shop.example
DKIM-Signature: v=1; a=rsa-sha256; d=shop.example; s=lk1; c=relaxed/relaxed; h=from; bh=AA==; b=AA==
Received: from laptop (localhost [127.0.0.1]) by mail.shop.example with ESMTP id 1; Mon, 23 Nov 2026 08:00:01 +0000
From: Shop <hello@shop.example>
To: anna.reader@gmail.com
Subject: News
"""  # noqa: E501 - as it stands on the wire

OUTLOOK = """Received: from AM0PR01MB1234.eurprd01.prod.exchangelabs.com (2603:10a6:208:c0::17)
 by DB7PR01MB5678.eurprd01.prod.outlook.com with HTTPS; Mon, 23 Nov 2026 08:00:03 +0000
Received: from mail.shop.example (192.0.2.25) by
 AM7EUR03FT012.mail.protection.outlook.com (10.152.16.60) with Microsoft SMTP
 Server (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20.8; Mon, 23 Nov 2026 08:00:02 +0000
Authentication-Results: spf=pass (sender IP is 192.0.2.25)
 smtp.mailfrom=shop.example; dkim=pass (signature was verified)
 header.d=shop.example;dmarc=pass action=none header.from=shop.example;compauth=pass reason=100
Received-SPF: Pass (protection.outlook.com: domain of shop.example designates
 192.0.2.25 as permitted sender) receiver=protection.outlook.com;
 client-ip=192.0.2.25; helo=mail.shop.example; pr=C
From: Shop <hello@shop.example>
"""

YAHOO = """X-Apparently-To: anna.reader@yahoo.com; Mon, 23 Nov 2026 08:00:03 +0000
Return-Path: <hello@shop.example>
Authentication-Results: atlas-production.v2-mail-prod1-ir2.omega.yahoo.com;
 dkim=pass header.i=@shop.example header.s=lk1;
 spf=pass smtp.mailfrom=shop.example;
 dmarc=pass(p=NONE,sp=NONE) header.from=shop.example;
Received: from 192.0.2.25 (EHLO mail.shop.example)
 by atlas302.free.mail.ir2.yahoo.com with SMTPs
 (version=TLS1_3 cipher=TLS_AES_128_GCM_SHA256); Mon, 23 Nov 2026 08:00:02 +0000
From: "Shop" <hello@shop.example>
"""

# It writes no results of its own; the relay that we send through does, for the step to itself.
SMALL_HOST = """Return-Path: <hello@shop.example>
Received: from out.relay.test (out.relay.test [198.51.100.7])
\tby mx.small-host.test (Postfix) with ESMTP id 4Bcd; Mon, 23 Nov 2026 09:00:02 +0100 (CET)
Received: from mail.shop.example (mail.shop.example [192.0.2.25])
\tby out.relay.test (Postfix) with ESMTPS id 4Abc; Mon, 23 Nov 2026 09:00:01 +0100 (CET)
Authentication-Results: mx.google.com; dkim=pass header.d=shop.example header.s=lk1;
 spf=pass smtp.mailfrom=shop.example; dmarc=pass header.from=shop.example
From: hello@shop.example
"""
